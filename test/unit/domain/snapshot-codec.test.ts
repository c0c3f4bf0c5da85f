import { describe, expect, test } from 'vitest';
import { decodeState, encodeEntries, encodeHead } from '../../../src/domain/snapshot-codec.ts';
import { image, minute, Sku } from './given.ts';

/** Something of everything that a state can know. */
function eventful(): Sku {
  const sku = new Sku();
  sku.receive(20, 'a');
  sku.receive(20, 'b');
  sku.accept({
    verb: 'policy',
    ...{ safetyStock: 1, backorderMax: 2, lowStock: 30 },
    channels: { web: { quota: 90, buffer: 1 }, pos: { ringFence: 3 } },
  });
  for (const id of ['open', 'expired', 'released', 'confirmed', 'part', 'again', 'young']) {
    sku.accept({ verb: 'reserve', id, qty: 3, ttlMs: id === 'open' ? 60 * minute : 15 * minute });
  }
  sku.accept({ verb: 'reserve', id: 'x'.repeat(100), qty: 1, location: 'b', channel: 'pos' });
  sku.accept({ verb: 'cart.hold', id: 'cart-1', qty: 1 });
  sku.accept({ verb: 'cart.prepare', reservation: 'cart-1' });
  sku.refuse({ verb: 'release', reservation: 'spent' });
  sku.accept({ verb: 'release', reservation: 'released' });
  sku.accept({ verb: 'confirm', reservation: 'confirmed', order: 'o-1' });
  sku.accept({ verb: 'confirm', reservation: 'part', order: 'o-2', qty: 2 });
  sku.accept({ verb: 'renew', reservation: 'young', ttlMs: 50 * minute });
  sku.accept({ verb: 'sell', qty: 30, fact: true, occurredAtMs: sku.nowMs - 5, channel: 'pos' });
  sku.wait(15 * minute);
  sku.accept({ verb: 'count', counted: 9, location: 'a' });
  sku.accept({ verb: 'renew', id: 'renew-1', reservation: 'again', ttlMs: minute });
  sku.accept({ verb: 'sell', qty: 20, fact: true });
  return sku;
}

describe('a snapshot', () => {
  test.each([1, 4, 1_000])('gives the state back in pieces of %i', (perPiece) => {
    const { state } = eventful();
    const head = JSON.parse(JSON.stringify(encodeHead(state)));
    const pieces = JSON.parse(JSON.stringify([...encodeEntries(state, perPiece)]));
    expect(pieces).toHaveLength(Math.ceil(state.entryCount / perPiece));
    const decoded = decodeState(head, pieces);
    expect(image(decoded)).toEqual(image(state));
    expect({ ...decoded, records: 0, expiries: 0 }).toEqual({ ...state, records: 0, expiries: 0 });
  });

  test('decides everything as the state itself', () => {
    const wishes = [
      { verb: 'reserve', id: 'open', qty: 3, ttlMs: 60 * minute },
      { verb: 'reserve', id: 'expired', qty: 3, ttlMs: 15 * minute },
      { verb: 'reserve', id: 'again', qty: 3, ttlMs: 15 * minute },
      { verb: 'reserve', id: 'spent', qty: 1 },
      { verb: 'renew', id: 'renew-1', reservation: 'again', ttlMs: minute },
      { verb: 'confirm', reservation: 'confirmed', order: 'o-1' },
      { verb: 'confirm', reservation: 'part', order: 'o-2', qty: 2 },
      { verb: 'confirm', reservation: 'part', order: 'o-2' },
      { verb: 'cart.prepare', reservation: 'cart-1' },
      { verb: 'cart.settle', reservation: 'cart-1', outcome: 'confirmed', order: 'o-3' },
      { verb: 'correct', delta: 1, evidence: { asOfSeq: 0 } },
      { verb: 'get' },
      { verb: 'count', counted: 0, location: 'b' },
    ] as const;
    const one = eventful();
    const other = eventful();
    other.restart();
    for (const wish of wishes) expect(other.execute(wish)).toEqual(one.execute(wish));
    expect(other.wait(60 * minute)).toEqual(one.wait(60 * minute));
    expect(image(other.state)).toEqual(image(one.state));
  });

  test('knows which location a hold was asked for', () => {
    const sku = new Sku();
    sku.receive(2, 'a');
    sku.receive(2, 'b');
    sku.accept({ verb: 'reserve', id: 'r-1', qty: 2, location: 'b' });
    sku.wait(15 * minute);
    sku.accept({ verb: 'sell', qty: 1, location: 'b' });
    sku.restart();
    const refusal = sku.refuse({ verb: 'renew', reservation: 'r-1', ttlMs: minute });
    expect(refusal.code).toBe('no_longer_available');
  });

  test('of many entries is what the state was, whatever happens while it is read', () => {
    const sku = eventful();
    const before = JSON.stringify([...encodeEntries(sku.state, 2)]);
    const reading = encodeEntries(sku.state, 2);
    sku.accept({ verb: 'release', reservation: 'open' });
    sku.accept({ verb: 'receive', qty: 1 });
    expect(JSON.stringify([...reading])).toBe(before);
  });

  test('of nothing is nothing', () => {
    const { state } = new Sku();
    expect([...encodeEntries(state, 10)]).toEqual([]);
    expect(image(decodeState(encodeHead(state), []))).toEqual(image(state));
  });

  test('with a piece missing, or of a newer version, is refused', () => {
    const { state } = eventful();
    const head = encodeHead(state) as unknown[];
    const pieces = [...encodeEntries(state, 4)];
    expect(() => decodeState(head, pieces.slice(1))).toThrow(/entries/);
    expect(() => decodeState([2, ...head.slice(1)], pieces)).toThrow(/schema 2/);
    expect(() => decodeState({}, [])).toThrow(/schema/);
  });
});
