/** The reconcilers' lease: who holds it has been told so, whatever the network does meanwhile. */

import { expect, test } from 'vitest';
import type { KeyValues } from '../../../src/ports.ts';
import { Lease } from '../../../src/reconcile/lease.ts';

const lapseMs = 1_000;

/** A clock that is moved by hand; everything that follows from a moment happens before the next. */
class Hands {
  nowMs = 0;
  #timers: { atMs: number; ring: () => void }[] = [];
  readonly clock = {
    now: () => this.nowMs,
    after: (ms: number, ring: () => void) => {
      const timer = { atMs: this.nowMs + ms, ring };
      this.#timers.push(timer);
      return { cancel: () => this.#timers.splice(this.#timers.indexOf(timer), 1) };
    },
  };

  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = this.#timers.sort((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.shift();
      this.nowMs = next.atMs;
      next.ring();
    }
    this.nowMs = untilMs;
  }
}

function leaseOn(hands: Hands) {
  const told: string[] = [];
  let revision = 0;
  /** Milliseconds that each write takes to be answered. */
  let delayMs = 0;
  const values = {
    read: async () => (revision === 0 ? undefined : { revision, payload: '{"holder":"me"}' }),
    async write(_key: string, _payload: string, expect: number) {
      if (delayMs > 0) await new Promise<void>((done) => hands.clock.after(delayMs, done));
      if (expect !== revision) return { kind: 'conflict' };
      revision += 1;
      return { kind: 'stored', revision };
    },
  } as unknown as KeyValues;
  const lease = new Lease({
    ...{ values, clock: hands.clock as never, holder: 'me', lapseMs },
    onGained: () => told.push('gained'),
    onLost: () => told.push('lost'),
  });
  const slowDown = (ms: number) => {
    delayMs = ms;
  };
  const displace = () => {
    revision += 1;
  };
  return { lease, told, slowDown, displace };
}

test('a renewal that is answered after the lease has lapsed gains it anew', async () => {
  const hands = new Hands();
  const { lease, told, slowDown } = leaseOn(hands);
  lease.start();
  await hands.pass(100);
  expect(told).toEqual(['gained']);
  // Begun 250 ms after the one before, answered 900 ms later: 150 ms too late for that one.
  slowDown(900);
  await hands.pass(1_100);
  expect(lease.isHeld).toBe(true);
  expect(told).toEqual(['gained', 'lost', 'gained']);
  slowDown(0);
  await hands.pass(2_000);
  expect(told).toEqual(['gained', 'lost', 'gained']);
});

test('who has been displaced is told once, and again when it has the lease back', async () => {
  const hands = new Hands();
  const { lease, told, displace } = leaseOn(hands);
  lease.start();
  await hands.pass(100);
  displace();
  await hands.pass(300);
  expect(told).toEqual(['gained', 'lost']);
  await hands.pass(2_000);
  expect(told).toEqual(['gained', 'lost', 'gained']);
});

test('a lease that is stopped gains nothing more', async () => {
  const hands = new Hands();
  const { lease, told } = leaseOn(hands);
  lease.start();
  await hands.pass(100);
  await lease.stop();
  await hands.pass(3_000);
  expect(told).toEqual(['gained', 'lost']);
});
