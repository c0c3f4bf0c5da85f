/**
 * One SKU as the contract describes it, in the plainest way: maps, copies, no cleverness, and no
 * code shared with `src/domain`. `rules.ts` says what commands do to it.
 */

export interface Place {
  onHand: number;
  reserved: number;
}

export interface Part {
  readonly location: string;
  readonly qty: number;
}

/** `spent`: released before it was made; nothing but its id is kept. */
export type HoldState = 'open' | 'prepared' | 'expired' | 'released' | 'confirmed' | 'spent';

export interface Hold {
  state: HoldState;
  readonly qty: number;
  parts: readonly Part[];
  readonly firstParts: readonly Part[];
  readonly createdAtMs: number;
  expiresAtMs: number;
  /** The location that the caller insisted on. */
  readonly bound: string | undefined;
  readonly cart: boolean;
  confirmedQty: number;
  order: string | undefined;
}

export interface ChannelUse {
  buffer: number;
  quota: number | null;
  ringFence: number;
  held: number;
  soldSinceQuota: number;
  soldSinceRingFence: number;
}

/** What an accepted command's id stands for. */
export interface Remembered {
  /** Verb and payload. */
  readonly meaning: string;
  readonly atMs: number;
  readonly qty?: number;
  readonly delta?: number;
  readonly parts?: readonly Part[];
  readonly retaken?: boolean;
}

export class Stock {
  known = false;
  safetyStock = 0;
  backorderMax = 0;
  lowStock = 0;
  readonly places = new Map<string, Place>();
  readonly channels = new Map<string, ChannelUse>();
  /** By `channel/reservation`. */
  readonly holds: Map<string, Hold>;
  /** By `channel/id`. */
  readonly ids: Map<string, Remembered>;

  constructor(holds?: ReadonlyMap<string, Hold>, ids?: ReadonlyMap<string, Remembered>) {
    this.holds = new Map(holds);
    this.ids = new Map(ids);
  }

  get onHand(): number {
    let sum = 0;
    for (const place of this.places.values()) sum += place.onHand;
    return sum;
  }

  get reserved(): number {
    let sum = 0;
    for (const place of this.places.values()) sum += place.reserved;
    return sum;
  }

  get openHolds(): number {
    let count = 0;
    for (const { state } of this.holds.values()) {
      if (state === 'open' || state === 'prepared') count += 1;
    }
    return count;
  }

  place(location: string): Place {
    let place = this.places.get(location);
    if (!place) {
      place = { onHand: 0, reserved: 0 };
      this.places.set(location, place);
    }
    return place;
  }

  use(channel: string): ChannelUse {
    let use = this.channels.get(channel);
    if (!use) {
      use = {
        buffer: 0,
        quota: null,
        ringFence: 0,
        held: 0,
        soldSinceQuota: 0,
        soldSinceRingFence: 0,
      };
      this.channels.set(channel, use);
    }
    return use;
  }

  /** Units at a place that nobody has reserved. */
  freeAt(location: string): number {
    const place = this.places.get(location);
    return place ? Math.max(0, place.onHand - place.reserved) : 0;
  }

  move(parts: readonly Part[], what: 'onHand' | 'reserved', sign: 1 | -1): void {
    for (const { location, qty } of parts) {
      this.place(location)[what] += sign * qty;
      if (what === 'onHand') this.known = true;
    }
  }

  /** What the channel may still sell, quota aside; may be negative. */
  stockFor(channel: string, sourcing: readonly string[]): number {
    let stock = this.onHand - this.reserved - this.safetyStock;
    for (const [name, use] of this.channels) {
      if (name === channel) stock -= use.buffer;
      else stock -= Math.max(0, use.ringFence - Math.max(0, use.held + use.soldSinceRingFence));
    }
    if (sourcing.length === 0) return stock;
    return Math.min(
      stock,
      sourcing.reduce((sum, location) => sum + this.freeAt(location), 0),
    );
  }

  quotaLeft(channel: string): number {
    const use = this.channels.get(channel);
    if (!use || use.quota === null) return Number.POSITIVE_INFINITY;
    return use.quota - use.held - use.soldSinceQuota;
  }

  availableTo(channel: string, sourcing: readonly string[]): number {
    return Math.max(0, Math.min(this.stockFor(channel, sourcing), this.quotaLeft(channel)));
  }

  /** The hold, to be changed: copies of this state share holds until one of them changes one. */
  change(name: string): Hold | undefined {
    const hold = this.holds.get(name);
    if (!hold) return undefined;
    const own = { ...hold };
    this.holds.set(name, own);
    return own;
  }

  copy(): Stock {
    const copy = new Stock(this.holds, this.ids);
    copy.known = this.known;
    copy.safetyStock = this.safetyStock;
    copy.backorderMax = this.backorderMax;
    copy.lowStock = this.lowStock;
    for (const [name, place] of this.places) copy.places.set(name, { ...place });
    for (const [name, use] of this.channels) copy.channels.set(name, { ...use });
    return copy;
  }

  /** Equal for states that answer everything alike. */
  fingerprint(): string {
    const sorted = <V>(map: ReadonlyMap<string, V>, text: (value: V) => string) =>
      [...map]
        .map(([name, value]) => `${name}=${text(value)}`)
        .sort()
        .join(';');
    return [
      this.known,
      this.lowStock,
      this.safetyStock,
      this.backorderMax,
      sorted(this.places, (place) => `${place.onHand},${place.reserved}`),
      sorted(this.channels, (use) => Object.values(use).join(',')),
      sorted(this.holds, (hold) => `${hold.state},${hold.expiresAtMs},${hold.confirmedQty}`),
      [...this.ids.keys()].sort().join(','),
    ].join('|');
  }
}
