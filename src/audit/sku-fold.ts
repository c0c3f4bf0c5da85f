/**
 * One SKU, folded from its events by code that the nodes do not run. Nothing is thrown: whatever contradicts the
 * fold is told as a sentence, and folding goes on from what the event says, so that one mistake is told once.
 *
 * 1. Versions rise by one. 2. The totals that an event carries are those of the fold. 3. A hold has one end.
 * 4. An id has one effect within the window in which it is remembered. 5. Nothing is promised beyond what is there
 * and may be backordered; facts are exempt, they have happened.
 */

import type { AuditEvent, Part } from './tuples.ts';

export interface Place {
  onHand: number;
  reserved: number;
}

export interface Hold {
  readonly channel: string;
  readonly id: string;
  readonly qty: number;
  parts: readonly Part[];
  state: 'open' | 'expired' | 'released' | 'confirmed';
  expiresAtMs: number;
  endedAtMs: number;
}

export interface ChannelFold {
  buffer: number;
  quota: number | null;
  ringFence: number;
  held: number;
  soldSinceQuota: number;
  soldSinceRingFence: number;
}

export interface FoldWindows {
  /** How long an id keeps its meaning. */
  readonly idempotencyWindowMs: number;
  /** How long an ended hold is remembered. */
  readonly endedHoldsMs: number;
}

type Say = (problem: string) => void;

/** Sizes above which what is old enough to be forgotten is cleared out. */
const sweepAbove = 4_096;

export class SkuFold {
  readonly sku: string;
  version = 0;
  atMs = 0;
  onHand = 0;
  reserved = 0;
  safetyStock = 0;
  backorderMax = 0;
  lowStock = 0;
  readonly places = new Map<string, Place>();
  readonly channels = new Map<string, ChannelFold>();
  readonly holds = new Map<string, Hold>();
  openHolds = 0;
  /** Units out on loan, by edge node. */
  readonly escrows = new Map<string, number>();
  /** Sum and number of the reconciler's corrections. */
  corrected = 0;
  corrections = 0;
  /** Cheap sum over all events, to compare another copy of the history. */
  checksum = 0;
  readonly #ids = new Map<string, number>();
  readonly #windows: FoldWindows;
  #idsSweepAt = sweepAbove;
  #holdsSweepAt = sweepAbove;

  constructor(sku: string, windows: FoldWindows) {
    this.sku = sku;
    this.#windows = windows;
  }

  get escrow(): number {
    let sum = 0;
    for (const units of this.escrows.values()) sum += units;
    return sum;
  }

  /** Neither reserved, nor kept back, nor lent; negative when more is promised than there is. */
  get free(): number {
    return this.onHand - this.reserved - this.safetyStock - this.escrow;
  }

  get available(): number {
    return Math.max(0, this.free);
  }

  channel(name: string): ChannelFold {
    let channel = this.channels.get(name);
    if (channel === undefined) {
      channel = {
        buffer: 0,
        quota: null,
        ringFence: 0,
        held: 0,
        soldSinceQuota: 0,
        soldSinceRingFence: 0,
      };
      this.channels.set(name, channel);
    }
    return channel;
  }

  /** Folds one event; `say` hears what is wrong with it. */
  apply(event: AuditEvent, say: Say): void {
    const about: Say = (problem) => say(`version ${event.version} (${event.type}): ${problem}`);
    if (event.version !== this.version + 1) about(`follows version ${this.version}`);
    this.version = event.version;
    this.atMs = event.atMs;
    this.checksum = checksumWith(this.checksum, event);
    this.#effect(event, about);
    this.#checkTotals(event, about);
    this.#checkPromise(event, about);
    this.#checkId(event, about);
  }

  #effect(event: AuditEvent, say: Say): void {
    const parts = (event.allocations ?? []) as readonly Part[];
    switch (event.type) {
      case 'stock.received':
      case 'stock.restocked':
        for (const { location, qty } of parts) this.#move(location, qty, 0);
        if (event.type === 'stock.restocked') this.#sold(event.channel, -Number(event.qty));
        return;
      case 'stock.sold':
        for (const { location, qty } of parts) this.#move(location, -qty, 0);
        this.#sold(event.channel, Number(event.qty));
        return;
      case 'stock.adjusted':
      case 'stock.counted':
      case 'stock.corrected':
        this.#move(String(event.location), Number(event.delta), 0);
        if (event.type !== 'stock.corrected') return;
        this.corrected += Number(event.delta);
        this.corrections += 1;
        return;
      case 'stock.transferred':
        this.#move(String(event.from), -Number(event.qty), 0);
        this.#move(String(event.to), Number(event.qty), 0);
        return;
      case 'policy.changed':
        this.#policy(event);
        return;
      case 'escrow.lent':
      case 'escrow.used':
      case 'escrow.returned':
      case 'escrow.lost': {
        const out = Number(event.lent) - Number(event.used) - Number(event.returned);
        this.escrows.set(String(event.edge), Math.max(0, out));
        return;
      }
      case 'reservation.created':
        this.#created(event, parts, say);
        return;
      default:
        if (event.type.startsWith('reservation.')) this.#onHold(event, parts, say);
    }
  }

  #created(event: AuditEvent, parts: readonly Part[], say: Say): void {
    const key = holdKey(event.channel, event.command);
    if (this.holds.get(key)?.state === 'open') say(`hold ${key} is open already`);
    const qty = Number(event.qty);
    const sum = parts.reduce((total, part) => total + part.qty, 0);
    if (sum !== qty) say(`${qty} reserved, but ${sum} allocated`);
    this.holds.set(key, {
      channel: event.channel,
      id: event.command,
      qty,
      parts,
      state: 'open',
      expiresAtMs: Number(event.expiresAtMs),
      endedAtMs: 0,
    });
    this.#reserve(event.channel, parts, qty);
    this.#sweepHolds(event.atMs);
  }

  #onHold(event: AuditEvent, parts: readonly Part[], say: Say): void {
    const owner = String(event.heldBy ?? event.channel);
    const key = holdKey(owner, String(event.reservation));
    const hold = this.holds.get(key);
    const retaken = event.retaken as readonly Part[] | undefined;
    if (hold === undefined) {
      // An id may be released before it was ever used; everything else needs a hold.
      if (event.type !== 'reservation.released' || Number(event.qty) !== 0) {
        say(`there is no hold ${key}`);
      }
      return;
    }
    switch (event.type) {
      case 'reservation.renewed':
      case 'reservation.prepared':
      case 'reservation.held':
        if (retaken !== undefined) {
          if (hold.state !== 'expired') say(`takes units again of a hold that is ${hold.state}`);
          hold.parts = retaken;
          hold.state = 'open';
          this.#reserve(owner, retaken, hold.qty);
        } else if (hold.state !== 'open') {
          say(`the hold is ${hold.state}`);
        }
        if (event.expiresAtMs !== undefined) hold.expiresAtMs = Number(event.expiresAtMs);
        return;
      case 'reservation.lapsed':
        if (hold.state !== 'expired') say(`lapses, and it is ${hold.state}`);
        return;
      case 'reservation.confirmed':
        if (hold.state === 'confirmed' || hold.state === 'released') {
          say(`the hold is ${hold.state}`);
        }
        if (hold.state === 'expired' && retaken === undefined) {
          say('an expired hold is confirmed without taking its units again');
        }
        this.#end(hold, 'confirmed', event.atMs);
        for (const { location, qty } of parts) this.#move(location, -qty, 0);
        this.#sold(owner, Number(event.qty));
        return;
      case 'reservation.released':
        if (hold.state === 'confirmed') say('the hold is confirmed');
        this.#end(hold, 'released', event.atMs);
        return;
      case 'reservation.expired':
        if (hold.state !== 'open') say(`the hold is ${hold.state}`);
        if (event.atMs < hold.expiresAtMs) say(`expires ${hold.expiresAtMs - event.atMs} ms early`);
        this.#end(hold, 'expired', event.atMs);
    }
  }

  #end(hold: Hold, state: Hold['state'], atMs: number): void {
    if (hold.state === 'open') {
      for (const { location, qty } of hold.parts) this.#move(location, 0, -qty);
      this.channel(hold.channel).held -= hold.qty;
      this.openHolds -= 1;
    }
    hold.state = state;
    hold.endedAtMs = atMs;
  }

  #reserve(channel: string, parts: readonly Part[], qty: number): void {
    for (const { location, qty: units } of parts) this.#move(location, 0, units);
    this.channel(channel).held += qty;
    this.openHolds += 1;
  }

  #move(location: string, onHand: number, reserved: number): void {
    let place = this.places.get(location);
    if (place === undefined) {
      place = { onHand: 0, reserved: 0 };
      this.places.set(location, place);
    }
    place.onHand += onHand;
    place.reserved += reserved;
    this.onHand += onHand;
    this.reserved += reserved;
  }

  #sold(channel: string, qty: number): void {
    const fold = this.channel(channel);
    fold.soldSinceQuota += qty;
    fold.soldSinceRingFence += qty;
  }

  #policy(event: AuditEvent): void {
    this.safetyStock = Number(event.safetyStock);
    this.backorderMax = Number(event.backorderMax);
    this.lowStock = Number(event.lowStock);
    const policies = event.channels as Readonly<
      Record<string, { buffer: number; quota: number | null; ringFence: number }>
    >;
    const quotaSet = event.quotaSet as readonly string[];
    const ringFenceSet = event.ringFenceSet as readonly string[];
    for (const name of new Set([...this.channels.keys(), ...Object.keys(policies)])) {
      const channel = this.channel(name);
      const policy = policies[name] ?? { buffer: 0, quota: null, ringFence: 0 };
      Object.assign(channel, policy);
      if (quotaSet.includes(name)) channel.soldSinceQuota = 0;
      if (ringFenceSet.includes(name)) channel.soldSinceRingFence = 0;
    }
  }

  #checkTotals(event: AuditEvent, say: Say): void {
    const says = [event.onHand, event.reserved, event.available];
    const has = [this.onHand, this.reserved, this.available];
    if (says.every((value, at) => value === has[at])) return;
    say(`says on hand, reserved, available ${says.join(', ')}; the fold has ${has.join(', ')}`);
    this.onHand = event.onHand;
    this.reserved = event.reserved;
  }

  #checkPromise(event: AuditEvent, say: Say): void {
    const takes =
      event.type === 'reservation.created' ||
      (event.type === 'stock.sold' && event.fact !== true) ||
      event.retaken !== undefined;
    if (!takes) return;
    // Safety stock and loans keep units back, but owe none: what they cannot keep back is not promised.
    const kept = this.onHand - this.safetyStock - this.escrow;
    const usable = this.onHand < 0 ? this.onHand : Math.max(0, kept);
    const beyond = this.reserved - usable - this.backorderMax;
    if (beyond > 0) say(`oversold: ${beyond} more promised than there is`);
  }

  #checkId(event: AuditEvent, say: Say): void {
    if (event.command === '' || !hasOneEffect(event)) return;
    const key = `${event.type} ${event.channel} ${event.command}`;
    const before = this.#ids.get(key);
    if (before !== undefined && event.atMs - before < this.#windows.idempotencyWindowMs) {
      say(`id ${event.command} of ${event.channel} has taken effect before`);
    }
    this.#ids.set(key, event.atMs);
    if (this.#ids.size < this.#idsSweepAt) return;
    for (const [id, atMs] of this.#ids) {
      if (event.atMs - atMs > this.#windows.idempotencyWindowMs) this.#ids.delete(id);
    }
    this.#idsSweepAt = Math.max(sweepAbove, this.#ids.size * 2);
  }

  #sweepHolds(nowMs: number): void {
    if (this.holds.size < this.#holdsSweepAt) return;
    for (const [key, hold] of this.holds) {
      if (hold.state !== 'open' && nowMs - hold.endedAtMs > this.#windows.endedHoldsMs) {
        this.holds.delete(key);
      }
    }
    this.#holdsSweepAt = Math.max(sweepAbove, this.holds.size * 2);
  }
}

/** Types of which one command makes at most one; the steps of a cart share their command's id. */
function hasOneEffect(event: AuditEvent): boolean {
  switch (event.type) {
    case 'reservation.prepared':
    case 'reservation.held':
    case 'reservation.lapsed':
      return false;
    case 'reservation.released':
      return Number(event.qty) > 0;
    default:
      return (
        event.type.startsWith('stock.') ||
        event.type.startsWith('reservation.') ||
        event.type === 'policy.changed'
      );
  }
}

export function holdKey(channel: string, id: string): string {
  return `${channel} ${id}`;
}

/** Adds an event to a sum that depends on order and content, not on how the text was put. */
export function checksumWith(sum: number, event: AuditEvent): number {
  let hash = sum ^ 0x811c9dc5;
  const mix = (value: number) => {
    hash = Math.imul(hash ^ (value | 0), 0x01000193);
    hash = Math.imul(hash ^ Math.trunc(value / 0x1_0000_0000), 0x01000193);
  };
  for (const char of event.type + event.command) mix(char.codePointAt(0) as number);
  for (const value of [event.version, event.atMs, event.onHand, event.reserved, event.available]) {
    mix(value);
  }
  return hash >>> 0;
}
