// Reads an export that is given as text or bytes, as a source would.

import { type ContentSettings, type Occasion, snapshotOf } from '../../../src/erp/content.ts';
import { defaultCsv } from '../../../src/erp/csv-records.ts';
import { defaultMapping, type MappingSettings } from '../../../src/erp/record-mapping.ts';
import type { ErpLine, ErpRefusedLine, ErpTotals } from '../../../src/ports.ts';
import { ErpSourceError } from '../../../src/ports.ts';

export const asOfMs = 1_794_900_000_000;

export interface Read extends ErpTotals {
  readonly usable: readonly ErpLine[];
  readonly unusable: readonly ErpRefusedLine[];
}

export function settingsWith(
  mapping: Partial<MappingSettings> = {},
  more: Partial<ContentSettings> = {},
): ContentSettings {
  return {
    format: 'csv',
    encoding: 'utf-8',
    csv: defaultCsv,
    mapping: { ...defaultMapping, ...mapping },
    ...more,
  };
}

export function open(
  content: string | Uint8Array,
  settings = settingsWith(),
  occasion: Partial<Occasion> = {},
) {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const asOf = { asOfFromMs: asOfMs, asOfToMs: asOfMs };
  return snapshotOf(bytes, settings, { occasion: 'test', ...asOf, ...occasion });
}

export async function readAll(
  content: string | Uint8Array,
  settings = settingsWith(),
  occasion: Partial<Occasion> = {},
): Promise<Read> {
  const usable: ErpLine[] = [];
  const unusable: ErpRefusedLine[] = [];
  const totals = await open(content, settings, occasion).read((batch) => {
    usable.push(...batch.lines);
    unusable.push(...batch.refused);
  });
  const withdrawn = unusable.flatMap(({ withdraws }) => withdraws ?? []);
  const isWithdrawn = ({ sku, location }: ErpLine) =>
    withdrawn.some((one) => one.sku === sku && one.location === location);
  return { ...totals, usable: usable.filter((line) => !isWithdrawn(line)), unusable };
}

/** The code of the `ErpSourceError` that reading ends with. */
export async function codeOf(reading: () => unknown): Promise<string> {
  try {
    await reading();
  } catch (error) {
    if (error instanceof ErpSourceError) return error.code;
    throw error;
  }
  return 'nothing';
}
