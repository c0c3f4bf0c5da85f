// Is there an order of everything that was asked about one SKU, each at some moment between question and answer, in
// which every answer is right? The search of Wing and Gong with the memory of Lowe ("Testing for linearizability",
// 2017): attempts whose outcome is unknown may have happened at any time after they were sent, or never; a hold may
// expire at any time after its own.
//
// Three things keep the search short. None of them excludes an order that another rule would allow:
// 1. An answer that is right now and changes nothing may as well be now.
// 2. Changes happen in the order of their versions, where answers tell them.
// 3. Between two versions that follow each other nothing else has happened.

import { type Attempt, describe, type Heard, isUnknown } from './history.ts';
import { Sku, type Undo } from './model.ts';

export type Judgement =
  | { readonly kind: 'linearizable' }
  /** `stuck`: the first answers that nothing explains. */
  | { readonly kind: 'impossible'; readonly stuck: readonly string[] }
  /** The search was given up: too many possibilities. */
  | { readonly kind: 'undecided'; readonly stuck: readonly string[] };

/** A quarter of a minute; the states seen, one a step at most, still fit into a set. */
const stepsMax = 16_000_000;
/** By how much the clock that ends holds may be ahead of the clients'. */
const clockMs = 250;

interface Item {
  readonly index: number;
  readonly sentMs: number;
  /** Infinity: it need not happen at all. */
  readonly endMs: number;
  /** Of the change that it certainly made; undefined: nobody was told, or there was none. */
  readonly version: number | undefined;
  readonly kind: 'answered' | 'unknown' | 'expiry';
  carryOut(sku: Sku): Undo | undefined;
  isIdle(sku: Sku): boolean;
  readonly text: string;
}

interface Frame {
  readonly candidates: readonly Item[];
  next: number;
  taken: Item | undefined;
  undo: Undo | undefined;
}

/** All attempts must be about the same SKU. */
export function judge(attempts: readonly Attempt[]): Judgement {
  const items = itemsOf(attempts);
  const sku = new Sku();
  const done = new Uint8Array(items.length);
  /** Tells sets of items apart, well enough: a word per item, added twice it is gone. */
  let [low, high] = [0, 0];
  let open = items.filter(({ endMs }) => endMs !== Infinity).length;
  const seen = new Set<string>();
  let best = Number.POSITIVE_INFINITY;
  let stuck: readonly string[] = [];
  let first = 0;
  const changes = items
    .filter(({ version }) => version !== undefined)
    .sort((a, b) => (a.version as number) - (b.version as number) || a.index - b.index);
  let nextChange = 0;

  const mark = (item: Item, isDone: boolean) => {
    done[item.index] = isDone ? 1 : 0;
    low ^= mixed(2 * item.index);
    high ^= mixed(2 * item.index + 1);
    if (item.endMs !== Infinity) open += isDone ? -1 : 1;
  };
  const candidates = (): Item[] => {
    while (first < items.length && done[first]) first += 1;
    // Whoever was asked after some answer came cannot be before that answer's question.
    let endMs = Number.POSITIVE_INFINITY;
    const found: Item[] = [];
    for (let at = first; at < items.length; at++) {
      const item = items[at] as Item;
      if (item.sentMs > endMs) break;
      if (done[at]) continue;
      endMs = Math.min(endMs, item.endMs);
      if (!item.isIdle(sku)) found.push(item);
    }
    const possible = found.filter(({ sentMs }) => sentMs <= endMs);
    const still = possible.find((item) => item.kind === 'answered' && changesNothing(item, sku));
    if (still) return [still];
    for (let item = changes[nextChange]; item; item = changes[++nextChange]) {
      // Of several attempts under one id the earliest leaves most room; the others have nothing left to do.
      if (!done[item.index] && !item.isIdle(sku)) break;
    }
    const change = changes[nextChange];
    const unseen = change?.version === undefined ? Infinity : change.version - sku.version - 1;
    if (unseen < 0) return [];
    // What is due is likely to have ended before the next change was answered.
    const due = change ? Math.min(change.endMs, endMs) : endMs;
    const rank = (item: Item) => {
      if (item === change) return 2;
      if (item.kind === 'answered') return 0;
      return item.kind === 'expiry' && item.sentMs + clockMs <= due ? 1 : 3;
    };
    return possible
      .filter(
        (item) =>
          item === change ||
          (item.version === undefined && (unseen > 0 || item.kind === 'answered')),
      )
      .sort((a, b) => rank(a) - rank(b) || a.sentMs - b.sentMs);
  };

  const stack: Frame[] = [{ candidates: candidates(), next: 0, taken: undefined, undo: undefined }];
  for (let steps = 0; open > 0; steps++) {
    if (steps > stepsMax) return { kind: 'undecided', stuck };
    const frame = stack.at(-1);
    if (!frame) return { kind: 'impossible', stuck };
    if (frame.taken) {
      mark(frame.taken, false);
      first = Math.min(first, frame.taken.index);
      nextChange = 0;
      frame.undo?.();
      frame.taken = undefined;
    }
    const item = frame.candidates[frame.next];
    frame.next += 1;
    if (!item) {
      if (open < best) {
        best = open;
        stuck = frame.candidates.filter(({ endMs }) => endMs !== Infinity).map(({ text }) => text);
      }
      stack.pop();
      continue;
    }
    const undo = item.carryOut(sku);
    if (!undo) continue;
    mark(item, true);
    frame.taken = item;
    frame.undo = undo;
    const key = `${low} ${high} ${sku.key}`;
    // Been here: what comes now is taken back by the frame itself.
    if (seen.has(key)) continue;
    seen.add(key);
    stack.push({ candidates: candidates(), next: 0, taken: undefined, undo: undefined });
  }
  return { kind: 'linearizable' };
}

/**
 * A repetition tells the version of the first acceptance, also of one that nobody heard of. Confirmations of one hold
 * for one order are repetitions of each other: then nobody knows which of them it was.
 */
function versionsTold(attempts: readonly Attempt[]): ReadonlyMap<string, number> {
  const told = new Map<string, number>();
  const owners = new Map<number, Set<string>>();
  const first = new Map<number, string>();
  for (const { id, heard } of attempts) {
    if (!heard?.ok || heard.version === undefined || id === undefined || heard.qty === 0) continue;
    told.set(id, heard.version);
    owners.set(heard.version, (owners.get(heard.version) ?? new Set()).add(id));
    if (!heard.replayed) first.set(heard.version, id);
  }
  for (const [id, version] of told) {
    if ((owners.get(version)?.size ?? 0) > 1 && first.get(version) !== id) told.delete(id);
  }
  return told;
}

function versionOf({ id, heard }: Attempt, told: ReadonlyMap<string, number>): number | undefined {
  if (id === undefined) return undefined;
  if (isUnknown(heard)) return told.get(id);
  return heard?.ok && !heard.replayed && heard.qty !== 0 ? heard.version : undefined;
}

function changesNothing(item: Item, sku: Sku): boolean {
  const before = sku.key;
  const undo = item.carryOut(sku);
  const same = undo !== undefined && sku.key === before;
  undo?.();
  return same;
}

/** The finaliser of murmur3: neighbours become strangers. */
function mixed(number: number): number {
  let word = Math.imul(number + 1, 0x9e3779b9);
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}

function itemsOf(attempts: readonly Attempt[]): Item[] {
  const items: Omit<Item, 'index'>[] = [];
  const expiries = new Map<string, number>();
  const told = versionsTold(attempts);
  const accepted = new Set(
    attempts.filter(({ heard }) => heard?.ok && !heard.replayed).map(({ id }) => id),
  );
  for (const attempt of attempts) {
    const { verb, id, sentMs, ttlMs, heard } = attempt;
    // Nothing happened, says the contract.
    if (heard?.error?.code === 'overloaded') continue;
    if (verb === 'reserve' && ttlMs !== undefined) {
      const atMs = Math.min(sentMs + ttlMs, expiries.get(id as string) ?? Infinity);
      expiries.set(id as string, atMs);
    }
    const unknown = isUnknown(heard);
    if (unknown && verb === 'get') continue;
    // Where one attempt was accepted as the first, no other one has done anything.
    if (unknown && accepted.has(id as string)) continue;
    items.push({
      sentMs,
      endMs: unknown ? Infinity : (attempt.answeredMs as number),
      // What has happened for certain first, in the order of versions; what may have happened when nothing else fits.
      version: versionOf(attempt, told),
      kind: unknown ? 'unknown' : 'answered',
      carryOut: (sku) =>
        unknown
          ? sku.guess(attempt, told.get(id as string) ?? Number.NaN)
          : sku.step(attempt, heard as Heard),
      isIdle: (sku) => unknown && sku.isIdle(attempt),
      text: describe(attempt),
    });
  }
  for (const [reservation, atMs] of expiries) {
    items.push({
      sentMs: atMs - clockMs,
      endMs: Infinity,
      version: undefined,
      kind: 'expiry',
      carryOut: (sku) => sku.expire(reservation),
      isIdle: () => false,
      text: `${reservation} expires`,
    });
  }
  return items.sort((a, b) => a.sentMs - b.sentMs).map((item, index) => ({ ...item, index }));
}
