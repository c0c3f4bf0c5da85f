// One SKU as its customers see it: one location, one channel's terms, no policy. It knows the contract and nothing of
// our code. `step` says whether an answer is right in a state and what the state is afterwards.

import type { Attempt, Heard } from './history.ts';

type Fate = 'open' | 'confirmed' | 'released' | 'expired' | 'spent';

interface Hold {
  readonly qty: number;
  fate: Fate;
  order: string | undefined;
}

/** What a step did, to take it back. */
export type Undo = () => void;

export class Sku {
  onHand = 0;
  reserved = 0;
  /** The version is at least this. */
  version = 0;
  known = false;
  readonly #holds = new Map<string, Hold>();
  /** Quantity of every accepted command. */
  readonly #accepted = new Map<string, number>();
  #digest = 0;

  get available(): number {
    return Math.max(0, this.onHand - this.reserved);
  }

  /** Tells states apart that came about differently. */
  get key(): string {
    return `${this.onHand} ${this.reserved} ${this.version} ${this.#digest}`;
  }

  /** Whether carrying the attempt out would change nothing, whatever it answered. */
  isIdle(attempt: Attempt): boolean {
    return attempt.verb === 'get' || (attempt.id !== undefined && this.#accepted.has(attempt.id));
  }

  /** A hold's time is up. Undefined: it is not open. */
  expire(reservation: string): Undo | undefined {
    const hold = this.#holds.get(reservation);
    if (hold?.fate !== 'open') return undefined;
    return this.#change(() => {
      this.reserved -= hold.qty;
      this.version += 1;
      return this.#fate(reservation, hold, 'expired');
    });
  }

  /** Carries the attempt out with this answer; undefined: the answer is wrong. */
  step(attempt: Attempt, heard: Heard): Undo | undefined {
    if (attempt.verb === 'get') return this.#get(heard);
    const id = attempt.id as string;
    if (this.#accepted.has(id)) return this.#again(attempt, id, heard);
    switch (attempt.verb) {
      case 'receive':
        return this.#plain(attempt, id, heard, attempt.qty as number);
      case 'sell':
        return this.#sell(attempt, id, heard);
      case 'reserve':
        return this.#reserve(attempt, id, heard);
      case 'confirm':
        return this.#confirm(attempt, id, heard);
      case 'release':
        return this.#release(attempt, id, heard);
    }
  }

  /**
   * Carries it out without knowing the answer, as it would be carried out in this state. `version`: what a later
   * repetition was told of it, NaN if there is none.
   */
  guess(attempt: Attempt, version: number): Undo | undefined {
    const { verb, qty = 0, reservation = '' } = attempt;
    const hold = this.#holds.get(verb === 'reserve' ? (attempt.id as string) : reservation);
    const ok = (more: Heard): Undo | undefined => this.step(attempt, more);
    const fits = this.available >= qty;
    const nothing = Number.NaN;
    switch (verb) {
      case 'receive':
        return ok({ ok: true, qty, available: nothing, version });
      case 'sell':
        return this.known && fits ? ok({ ok: true, qty, available: nothing, version }) : undefined;
      case 'reserve':
        return this.known && fits && !hold
          ? ok({ ok: true, qty, available: nothing, version })
          : undefined;
      case 'confirm': {
        if (hold?.fate === 'open')
          return ok({ ok: true, qty: hold.qty, available: nothing, version });
        const again = hold?.fate === 'expired' && this.available >= hold.qty;
        return again
          ? ok({ ok: true, qty: hold.qty, retaken: true, available: nothing, version })
          : undefined;
      }
      case 'release':
        if (hold?.fate === 'open')
          return ok({ ok: true, qty: hold.qty, available: nothing, version });
        if (hold?.fate === 'expired') return ok({ ok: true, qty: 0, available: nothing });
        return this.known && !hold
          ? ok({ ok: false, error: { code: 'reservation_not_found' } })
          : undefined;
      case 'get':
        return undefined;
    }
  }

  #get(heard: Heard): Undo | undefined {
    if (!heard.ok) return refusal(heard, 'unknown_sku') && !this.known ? () => {} : undefined;
    const open = [...this.#holds.values()].filter(({ fate }) => fate === 'open').length;
    const right =
      this.known &&
      heard.onHand === this.onHand &&
      heard.reserved === this.reserved &&
      heard.available === this.available &&
      heard.reservations === open;
    return right ? this.#seen(heard, false) : undefined;
  }

  /** A command that has been accepted before: the same answer again, with what is available now. */
  #again(attempt: Attempt, id: string, heard: Heard): Undo | undefined {
    if (!heard.ok || heard.replayed !== true) return undefined;
    const qty = this.#accepted.get(id);
    if (heard.qty !== qty || !same(heard.available, this.available)) return undefined;
    if (attempt.verb !== 'reserve') return () => {};
    return heard.state === this.#holds.get(id)?.fate ? () => {} : undefined;
  }

  #sell(attempt: Attempt, id: string, heard: Heard): Undo | undefined {
    const qty = attempt.qty as number;
    if (!heard.ok) return this.#short(heard, qty);
    return this.known && this.available >= qty ? this.#plain(attempt, id, heard, -qty) : undefined;
  }

  #plain(attempt: Attempt, id: string, heard: Heard, delta: number): Undo | undefined {
    if (!heard.ok || heard.replayed || heard.qty !== attempt.qty) return undefined;
    return this.#effect(id, heard, () => {
      this.onHand += delta;
      this.known = true;
      return () => {};
    });
  }

  #reserve(attempt: Attempt, id: string, heard: Heard): Undo | undefined {
    const qty = attempt.qty as number;
    // Released before it was made.
    if (this.#holds.has(id)) return refusal(heard, 'already_released') ? () => {} : undefined;
    if (!heard.ok) return this.#short(heard, qty);
    if (heard.replayed || heard.qty !== qty || !this.known || this.available < qty)
      return undefined;
    return this.#effect(id, heard, () => {
      this.reserved += qty;
      return this.#fate(id, { qty, fate: 'open', order: undefined }, 'open');
    });
  }

  #confirm(attempt: Attempt, id: string, heard: Heard): Undo | undefined {
    const reservation = attempt.reservation as string;
    const hold = this.#holds.get(reservation);
    const order = attempt.order as string;
    switch (hold?.fate) {
      case undefined:
      case 'spent':
        return refusal(heard, this.known ? 'reservation_not_found' : 'unknown_sku')
          ? () => {}
          : undefined;
      case 'released':
        return refusal(heard, 'already_released') ? () => {} : undefined;
      case 'confirmed':
        if (hold.order !== order) return refusal(heard, 'already_confirmed') ? () => {} : undefined;
        return heard.ok &&
          heard.replayed &&
          heard.qty === hold.qty &&
          same(heard.available, this.available)
          ? () => {}
          : undefined;
      case 'expired':
        if (this.available < hold.qty)
          return refusal(heard, 'no_longer_available') ? () => {} : undefined;
        break;
      case 'open':
        break;
    }
    const retaken = hold.fate === 'expired';
    if (
      !heard.ok ||
      heard.replayed ||
      heard.qty !== hold.qty ||
      (heard.retaken === true) !== retaken
    ) {
      return undefined;
    }
    return this.#effect(id, heard, () => {
      this.onHand -= hold.qty;
      if (!retaken) this.reserved -= hold.qty;
      return this.#fate(reservation, hold, 'confirmed', order);
    });
  }

  #release(attempt: Attempt, id: string, heard: Heard): Undo | undefined {
    const reservation = attempt.reservation as string;
    const hold = this.#holds.get(reservation);
    switch (hold?.fate) {
      case undefined: {
        if (!this.known) return refusal(heard, 'unknown_sku') ? () => {} : undefined;
        if (!refusal(heard, 'reservation_not_found')) return undefined;
        const spent: Hold = { qty: 0, fate: 'spent', order: undefined };
        return this.#change(() => this.#fate(reservation, spent, 'spent'));
      }
      case 'spent':
        return refusal(heard, 'reservation_not_found') ? () => {} : undefined;
      case 'confirmed':
        return refusal(heard, 'already_confirmed') ? () => {} : undefined;
      case 'released':
      case 'expired': {
        const { fate } = hold;
        if (!heard.ok || heard.qty !== 0 || !same(heard.available, this.available))
          return undefined;
        // Nothing is left to free, but it has been let go: it cannot be taken again.
        return fate === 'released'
          ? () => {}
          : this.#change(() => this.#fate(reservation, hold, 'released'));
      }
      case 'open':
        if (!heard.ok || heard.replayed || heard.qty !== hold.qty) return undefined;
        return this.#effect(id, heard, () => {
          this.reserved -= hold.qty;
          return this.#fate(reservation, hold, 'released');
        });
    }
  }

  #short(heard: Heard, qty: number): Undo | undefined {
    if (!this.known) return refusal(heard, 'unknown_sku') ? () => {} : undefined;
    const right =
      refusal(heard, 'insufficient_stock') &&
      this.available < qty &&
      heard.error?.available === this.available;
    return right ? () => {} : undefined;
  }

  /** An accepted change: what it says of the state after it must be so, and its version is a new one. */
  #effect(id: string, heard: Heard, change: () => Undo): Undo | undefined {
    const undo = this.#change(change);
    const seen = same(heard.available, this.available) ? this.#seen(heard, true) : undefined;
    if (!seen) {
      undo();
      return undefined;
    }
    this.#accepted.set(id, heard.qty as number);
    this.#mix(`accepted ${id}`);
    return () => {
      this.#mix(`accepted ${id}`);
      this.#accepted.delete(id);
      seen();
      undo();
    };
  }

  /** Versions only rise, by one at least with every change. */
  #seen({ version = Number.NaN }: Heard, isNew: boolean): Undo | undefined {
    const before = this.version;
    if (version < before || (isNew && version === before)) return undefined;
    this.version = Number.isNaN(version) ? before + (isNew ? 1 : 0) : version;
    return () => {
      this.version = before;
    };
  }

  #change(change: () => Undo): Undo {
    const { onHand, reserved, known, version } = this;
    const undo = change();
    return () => {
      undo();
      Object.assign(this, { onHand, reserved, known, version });
    };
  }

  #fate(reservation: string, hold: Hold, fate: Fate, order?: string): Undo {
    const before = this.#holds.get(reservation);
    this.#holds.set(reservation, { ...hold, fate, order });
    this.#mix(`${reservation} ${before?.fate}`);
    this.#mix(`${reservation} ${fate}`);
    return () => {
      this.#mix(`${reservation} ${before?.fate}`);
      this.#mix(`${reservation} ${fate}`);
      if (before) this.#holds.set(reservation, before);
      else this.#holds.delete(reservation);
    };
  }

  /** Adding a word twice takes it away again. */
  #mix(word: string): void {
    let hash = 0x811c9dc5;
    for (let at = 0; at < word.length; at++) {
      hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
    }
    this.#digest ^= hash;
  }
}

/** A number that nobody has heard fits everything. */
function same(heard: number | undefined, actual: number): boolean {
  return heard === actual || (heard !== undefined && Number.isNaN(heard));
}

function refusal(heard: Heard, code: string): boolean {
  return !heard.ok && heard.error?.code === code;
}
