// What a SKU with one location ought to do, written as plainly as possible and without looking at how
// the rules do it: lists that are searched and summed anew for every question.

interface ModelHold {
  readonly channel: string;
  readonly id: string;
  qty: number;
  state: 'open' | 'expired' | 'released' | 'confirmed';
  expiresAtMs: number;
  order?: string;
}

export type Step =
  | { readonly act: 'receive' | 'sell' | 'fact'; readonly channel: string; readonly qty: number }
  | {
      readonly act: 'reserve' | 'confirm' | 'release' | 'renew';
      readonly channel: string;
      readonly hold: number;
      readonly qty: number;
    }
  | { readonly act: 'count'; readonly counted: number }
  | { readonly act: 'policy'; readonly safetyStock: number; readonly buffer: number }
  | { readonly act: 'wait'; readonly ms: number }
  | { readonly act: 'restart' | 'replay' };

/** `ok`, or the code of the refusal. */
export type Outcome = string;

export class Model {
  onHand = 0;
  safetyStock = 0;
  /** Of channel web. */
  buffer = 0;
  nowMs: number;
  readonly holds: ModelHold[] = [];
  /** Released before they were made. */
  readonly spent = new Set<string>();

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  get reserved(): number {
    return this.holds
      .filter((hold) => hold.state === 'open')
      .reduce((sum, hold) => sum + hold.qty, 0);
  }

  available(channel: string): number {
    const buffer = channel === 'web' ? this.buffer : 0;
    return Math.max(0, this.onHand - this.reserved - this.safetyStock - buffer);
  }

  sell(channel: string, qty: number): Outcome {
    if (qty > this.available(channel)) return 'insufficient_stock';
    this.onHand -= qty;
    return 'ok';
  }

  reserve(channel: string, id: string, qty: number, ttlMs: number): Outcome {
    if (this.spent.has(`${channel}/${id}`)) return 'already_released';
    const known = this.find(channel, id);
    if (known !== undefined) return known.qty === qty ? 'ok' : 'id_conflict';
    if (qty > this.available(channel)) return 'insufficient_stock';
    this.holds.push({ channel, id, qty, state: 'open', expiresAtMs: this.nowMs + ttlMs });
    return 'ok';
  }

  renew(channel: string, id: string, ttlMs: number): Outcome {
    const hold = this.find(channel, id);
    if (hold === undefined) return 'reservation_not_found';
    if (hold.state === 'released' || hold.state === 'confirmed') return `already_${hold.state}`;
    if (!this.takeAgain(hold)) return 'no_longer_available';
    hold.expiresAtMs = this.nowMs + ttlMs;
    return 'ok';
  }

  confirm(channel: string, id: string, order: string): Outcome {
    const hold = this.find(channel, id);
    if (hold === undefined) return 'reservation_not_found';
    if (hold.state === 'confirmed') return hold.order === order ? 'ok' : 'already_confirmed';
    if (hold.state === 'released') return 'already_released';
    if (!this.takeAgain(hold)) return 'no_longer_available';
    hold.state = 'confirmed';
    hold.order = order;
    this.onHand -= hold.qty;
    return 'ok';
  }

  release(channel: string, id: string): Outcome {
    const hold = this.find(channel, id);
    if (hold === undefined) {
      this.spent.add(`${channel}/${id}`);
      return 'reservation_not_found';
    }
    if (hold.state === 'confirmed') return 'already_confirmed';
    hold.state = 'released';
    return 'ok';
  }

  wait(ms: number): void {
    this.nowMs += ms;
    for (const hold of this.holds) {
      if (hold.state === 'open' && hold.expiresAtMs <= this.nowMs) hold.state = 'expired';
    }
  }

  private find(channel: string, id: string): ModelHold | undefined {
    return this.holds.find((hold) => hold.channel === channel && hold.id === id);
  }

  private takeAgain(hold: ModelHold): boolean {
    if (hold.state === 'open') return true;
    if (hold.qty > this.available(hold.channel)) return false;
    hold.state = 'open';
    return true;
  }
}
