/**
 * Corrections that take earlier ones back because a late fact explains them: never more of a
 * correction than there was, never more than the fact's own units, and only for facts that came later.
 */

import { type Entry, isNetting } from '../model/ledger.ts';

interface Given {
  readonly correctionSeq: number;
  readonly factSeq: number;
  readonly document: string;
  readonly delta: number;
}

export function checkNettings(entries: readonly Entry[]): string[] {
  const wrong: string[] = [];
  const ofCorrection = new Map<number, number>();
  const ofFact = new Map<string, number>();
  for (const entry of entries.filter(isNetting)) {
    const given = givenBy(entry);
    const sum = given.reduce((total, { delta }) => total + delta, 0);
    if (sum !== entry.delta) wrong.push(`netted by ${entry.delta}, its parts are ${sum}`);
    for (const { correctionSeq, factSeq, document, delta } of given) {
      const correction = entries.find(
        (one) => one.seq === correctionSeq && one.evidence && !isNetting(one),
      );
      const facts = entries.filter((one) => one.seq === factSeq && one.document === document);
      const units = facts.reduce((total, one) => total + one.delta, 0);
      const name = `${document} at ${factSeq} against ${correctionSeq}`;
      if (!correction) wrong.push(`${name}: there is no such correction`);
      else if (correction.seq >= factSeq) wrong.push(`${name}: the fact was known before`);
      const taken = (ofCorrection.get(correctionSeq) ?? 0) + delta;
      ofCorrection.set(correctionSeq, taken);
      if (correction && isMore(taken, correction.delta)) {
        wrong.push(`${name}: ${taken} of a correction by ${correction.delta}`);
      }
      const key = `${factSeq} ${document}`;
      const explained = (ofFact.get(key) ?? 0) + delta;
      ofFact.set(key, explained);
      if (isMore(explained, units)) wrong.push(`${name}: ${explained} for a fact of ${units}`);
    }
  }
  return wrong;
}

/** Whether `back` gives back more than `units`, or in the same direction. */
function isMore(back: number, units: number): boolean {
  return back * units > 0 || Math.abs(back) > Math.abs(units);
}

function givenBy({ evidence = {} }: Entry): readonly Given[] {
  const { correctionSeqs, factSeqs, factDocuments, deltas } = evidence as Record<
    string,
    readonly (string | number)[]
  >;
  return (correctionSeqs ?? []).map((correctionSeq, at) => ({
    correctionSeq: Number(correctionSeq),
    factSeq: Number(factSeqs?.[at]),
    document: String(factDocuments?.[at]),
    delta: Number(deltas?.[at]),
  }));
}
