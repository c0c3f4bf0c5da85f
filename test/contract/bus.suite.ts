/** What every bus does: requests, replies, queue groups, nobody there. */

import { describe, expect, test } from 'vitest';
import { type Bus, PortError } from '../../src/ports.ts';

export interface BusHarness {
  readonly bus: Bus;
  /** The same bus as another process sees it. */
  readonly rival: Bus;
  elapse(ms: number): Promise<void>;
  close(): Promise<void>;
}

const text = (payload: Uint8Array) => new TextDecoder().decode(payload);
const settleMs = 100;

/** `make` gives a bus with nobody else on it. */
export function busContract(name: string, make: () => Promise<BusHarness>): void {
  const withBus = (run: (harness: BusHarness) => Promise<void>) => async () => {
    const harness = await make();
    try {
      await run(harness);
    } finally {
      await harness.close();
    }
  };
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'answered',
      (error) => (error instanceof PortError ? error.code : `not a PortError: ${error}`),
    );

  describe(`bus contract: ${name}`, () => {
    test(
      'a request reaches who serves the subject, and its reply comes back',
      withBus(async ({ bus, rival, elapse }) => {
        rival.serve('suite.echo.*', {}, (message) => {
          message.respond?.(`${message.subject} ${text(message.payload)}`);
        });
        await elapse(settleMs);
        expect(text(await bus.request('suite.echo.a', '"Ü€"', 1_000))).toBe('suite.echo.a "Ü€"');
        const bytes = new TextEncoder().encode('bytes');
        expect(text(await bus.request('suite.echo.b', bytes, 1_000))).toBe('suite.echo.b bytes');
      }),
    );

    test(
      'an error reply carries its payload like any other',
      withBus(async ({ bus, rival, elapse }) => {
        rival.serve('suite.no', {}, (message) => {
          message.respond?.('{"ok":false}', { code: 'insufficient_stock', number: 409 });
        });
        await elapse(settleMs);
        expect(text(await bus.request('suite.no', '', 1_000))).toBe('{"ok":false}');
      }),
    );

    test(
      'a request that nobody serves is told so at once, one that nobody answers after its time',
      withBus(async ({ bus, rival, elapse }) => {
        expect(await codeOf(bus.request('suite.nobody', 'x', 5_000))).toBe('no_responders');
        rival.serve('suite.silent', {}, () => {});
        await elapse(settleMs);
        expect(await codeOf(bus.request('suite.silent', 'x', 150))).toBe('timeout');
      }),
    );

    test(
      'of a queue group one gets each message; everybody else gets all',
      withBus(async ({ bus, rival, elapse }) => {
        const got = { group: 0, alone: 0 };
        for (const who of [bus, rival, rival]) {
          who.serve('suite.work', { queue: 'q' }, () => {
            got.group += 1;
          });
        }
        rival.serve('suite.>', {}, () => {
          got.alone += 1;
        });
        await elapse(settleMs);
        for (let index = 0; index < 30; index++) bus.publish('suite.work', `${index}`);
        await bus.ping();
        await elapse(settleMs);
        expect(got).toEqual({ group: 30, alone: 30 });
      }),
    );

    test(
      'messages of one sender arrive in order, and a plain message asks for no reply',
      withBus(async ({ bus, rival, elapse }) => {
        const seen: string[] = [];
        let asked = 0;
        rival.serve('suite.order', {}, (message) => {
          seen.push(text(message.payload));
          if (message.respond) asked += 1;
        });
        await elapse(settleMs);
        for (let index = 0; index < 50; index++) bus.publish('suite.order', `${index}`);
        await elapse(settleMs);
        expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => `${index}`));
        expect(asked).toBe(0);
      }),
    );

    test(
      'what was unsubscribed hears nothing more',
      withBus(async ({ bus, rival, elapse }) => {
        let heard = 0;
        const subscription = rival.serve('suite.gone', {}, () => {
          heard += 1;
        });
        await elapse(settleMs);
        subscription.unsubscribe();
        await elapse(settleMs);
        expect(await codeOf(bus.request('suite.gone', 'x', 1_000))).toBe('no_responders');
        expect(heard).toBe(0);
      }),
    );

    test(
      'what is drained takes nothing new and still handles what was on its way',
      withBus(async ({ bus, rival, elapse }) => {
        let handled = 0;
        const subscription = rival.serve('suite.drain', {}, (message) => {
          handled += 1;
          message.respond?.('done');
        });
        await elapse(settleMs);
        const asked = Array.from({ length: 50 }, () =>
          codeOf(bus.request('suite.drain', '', 2_000)),
        );
        await bus.ping();
        await subscription.drain();
        const before = handled;
        expect(new Set(await Promise.all(asked))).toEqual(new Set(['answered']));
        expect(before).toBe(50);
        expect(await codeOf(bus.request('suite.drain', '', 1_000))).toBe('no_responders');
      }),
    );

    test(
      'a pong comes after everything that the server sent before it',
      withBus(async ({ bus, rival, elapse }) => {
        let heard = 0;
        rival.serve('suite.flood', {}, () => {
          heard += 1;
        });
        await elapse(settleMs);
        for (let index = 0; index < 200; index++) bus.publish('suite.flood', `${index}`);
        await bus.ping();
        await rival.ping();
        expect(heard).toBe(200);
      }),
    );
  });
}
