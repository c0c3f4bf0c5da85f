/** What reconcilers could know of the ERP's postings, from the acknowledgements that were stored. */

import type { ErpAcknowledgement } from '../../../src/ports.ts';
import type { Posted } from '../model/ledger.ts';

/** One document that the ERP said it has posted. */
export interface Said {
  readonly storedMs: number;
  readonly key: string;
  readonly postedAtMs: number;
}

/** Acknowledgements without a time of their own prove nothing within the length of a run. */
export function acknowledgedBy(all: readonly ErpAcknowledgement[]): readonly Said[] {
  return all.flatMap(({ payload, storedAtMs }) => {
    const message = JSON.parse(payload);
    const documents: unknown[] = message.documents ?? [];
    return documents.flatMap((item) => {
      const { document, lane, postedAtMs } = item as Record<string, string & number>;
      if (typeof postedAtMs !== 'number') return [];
      return [{ storedMs: storedAtMs, key: `${lane} ${document}`, postedAtMs }];
    });
  });
}

/** What was known at each moment between two times at which something new was learnt. */
export function* momentsOfKnowledge(
  said: readonly Said[],
  fromMs: number,
  toMs: number,
): Generator<Posted> {
  const posted = new Map<string, number>();
  for (const { storedMs, key, postedAtMs } of said) {
    if (storedMs > toMs) break;
    if (storedMs >= fromMs) yield posted;
    posted.set(key, postedAtMs);
  }
  yield posted;
}
