/**
 * What goes wrong on the day: which articles, when, and how. Articles are taken that only one document
 * of the day moves, so that there is no doubt about what the right explanation is.
 */

import type { Plan } from '../replay/plan.ts';

export type FaultKind = 'lost' | 'doubled' | 'in packs' | 'shrinkage' | 'large shrinkage';

export interface Fault {
  readonly kind: FaultKind;
  readonly sku: string;
  /** The document that the ERP gets wrong; absent for shrinkage. */
  readonly document?: string;
  /** What it moves; of shrinkage: what is gone. */
  readonly units: number;
}

export interface Faults {
  readonly planted: readonly Fault[];
  /** Its line is in boxes in one export. */
  readonly inBoxes: string;
}

export const piecesPerBox = 12;
const delivered = 2;

/**
 * Chooses among the steps between two shares of the day. Throws a `RangeError` when the day is too small.
 */
export function chooseFaults({ steps }: Plan, from: number, until: number): Faults {
  const times = new Map<string, number>();
  const sold: { sku: string; document: string; qty: number }[] = [];
  for (const [at, step] of steps.entries()) {
    const lines = step.kind === 'sale' ? [...step.lines] : [[step.sku, step.qty] as const];
    for (const [sku, qty] of lines) {
      times.set(sku, (times.get(sku) ?? 0) + 1);
      const isThen = at > steps.length * from && at < steps.length * until;
      if (step.kind === 'sale' && isThen) {
        sold.push({ sku, document: step.invoice, qty });
      }
    }
  }
  const single = sold.filter(({ sku, qty }) => times.get(sku) === 1 && qty >= 2 && qty <= 40);
  const [lost, doubled, packed, shrunk, gone, boxed] = single;
  if (!lost || !doubled || !packed || !shrunk || !gone || !boxed) {
    throw new RangeError(`only ${single.length} articles are sold once, 6 are needed`);
  }
  return {
    planted: [
      { kind: 'lost', sku: lost.sku, document: lost.document, units: -lost.qty },
      { kind: 'doubled', sku: doubled.sku, document: doubled.document, units: -doubled.qty },
      { kind: 'in packs', sku: packed.sku, document: 'delivery-in-packs', units: delivered },
      // No document of the day moves as much: nothing but a loss explains it.
      { kind: 'shrinkage', sku: shrunk.sku, units: -(shrunk.qty + 3) },
      { kind: 'large shrinkage', sku: gone.sku, units: -(gone.qty + 60) },
    ],
    inBoxes: boxed.sku,
  };
}

/** What the ERP posts of a document's line, given the faults. */
export function postedOf(
  faults: Faults,
  document: string,
  sku: string,
  units: number,
): readonly number[] {
  const fault = faults.planted.find((one) => one.document === document && one.sku === sku);
  switch (fault?.kind) {
    case 'lost':
      return [];
    case 'doubled':
      return [units, units];
    case 'in packs':
      return [units * piecesPerBox];
    default:
      return [units];
  }
}
