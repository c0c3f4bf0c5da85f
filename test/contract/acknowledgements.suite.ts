/** What the ERP has said of its postings reaches every reconciler, in order and once. */

import { describe, expect, test } from 'vitest';
import type { ErpAcknowledgement, ErpAcknowledgements } from '../../src/ports.ts';

export interface AcknowledgementsHarness {
  readonly acknowledgements: ErpAcknowledgements;
  /** Publishes as an ERP would; resolves when it is stored. */
  publish(source: string, payload: string): Promise<void>;
  close(): Promise<void>;
}

/** `make` gives a deployment in which no ERP has said anything. */
export function acknowledgementsContract(
  name: string,
  make: () => Promise<AcknowledgementsHarness>,
): void {
  const withErp = (run: (harness: AcknowledgementsHarness) => Promise<void>) => async () => {
    const harness = await make();
    try {
      await run(harness);
    } finally {
      await harness.close();
    }
  };
  const readAll = async (port: ErpAcknowledgements, source: string, after: number) => {
    const found: ErpAcknowledgement[] = [];
    await port.read(source, after, (one) => found.push(one));
    return found;
  };

  describe(`acknowledgements contract: ${name}`, () => {
    test(
      'a source that has said nothing has nothing to be read',
      withErp(async ({ acknowledgements, publish }) => {
        await publish('other', 'not ours');
        expect(await readAll(acknowledgements, 'sap', 0)).toEqual([]);
      }),
    );

    test(
      'each source’s messages come in order, with rising sequences and the time of storing',
      withErp(async ({ acknowledgements, publish }) => {
        for (const n of [1, 2, 3]) {
          await publish('sap', `{"n": ${n}, "text": "Ü€"}`);
          await publish('other', `${n}`);
        }
        const found = await readAll(acknowledgements, 'sap', 0);
        expect(found.map(({ payload }) => JSON.parse(payload).n)).toEqual([1, 2, 3]);
        const seqs = found.map(({ seq }) => seq);
        expect([...seqs].sort((a, b) => a - b)).toEqual(seqs);
        for (const { storedAtMs } of found) expect(storedAtMs).toBeGreaterThan(1_000_000_000_000);
      }),
    );

    test(
      'reading goes on behind what was read, and finds a message that was sent twice twice',
      withErp(async ({ acknowledgements, publish }) => {
        await publish('sap', 'first');
        const [first] = await readAll(acknowledgements, 'sap', 0);
        await publish('sap', 'second');
        await publish('sap', 'second');
        const rest = await readAll(acknowledgements, 'sap', first?.seq ?? 0);
        expect(rest.map(({ payload }) => payload)).toEqual(['second', 'second']);
        expect(await readAll(acknowledgements, 'sap', rest.at(-1)?.seq ?? 0)).toEqual([]);
      }),
    );
  });
}
