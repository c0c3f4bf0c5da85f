/**
 * Rows of a stock file: `sku,qty[,location]`, with or without that heading. What is wrong with a row is told with its
 * line number; the others are used.
 */

import { parse } from 'csv-parse/sync';
import { namePattern, skuPattern } from '../../contract/fields.ts';
import { failure } from '../exit.ts';

export interface Row {
  /** Line of the file, counted from 1. */
  readonly line: number;
  readonly sku: string;
  readonly qty: number;
  readonly location: string | undefined;
}

export interface BadRow {
  readonly line: number;
  readonly why: string;
}

export interface Rows {
  readonly rows: readonly Row[];
  readonly bad: readonly BadRow[];
}

interface Columns {
  readonly sku: number;
  readonly qty: number;
  readonly location: number;
}

interface Parsed {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

const validSku = new RegExp(skuPattern, 'u');
const validLocation = new RegExp(namePattern, 'u');

/** `least`: the smallest quantity, 1 for goods in and 0 for a count. Throws a `CliError` for a file that is no CSV. */
export function readRows(content: Uint8Array, least: 0 | 1): Rows {
  const records = parseCsv(decode(content));
  const first = records[0]?.record.map((cell) => cell.trim().toLowerCase());
  const hasHeading = first?.includes('sku') === true;
  const columns = hasHeading ? columnsOf(first) : { sku: 0, qty: 1, location: 2 };
  const rows: Row[] = [];
  const bad: BadRow[] = [];
  let lineBefore = 0;
  for (const [at, { record, info }] of records.entries()) {
    // A quoted field may span lines: a record begins behind the one before it.
    const line = lineBefore + 1;
    lineBefore = info.lines;
    if (at === 0 && hasHeading) continue;
    const row = readRow(record, columns, line, least);
    if ('why' in row) bad.push(row);
    else rows.push(row);
  }
  return { rows, bad };
}

function readRow(
  record: readonly string[],
  columns: Columns,
  line: number,
  least: number,
): Row | BadRow {
  const sku = record[columns.sku] ?? '';
  const quantity = (record[columns.qty] ?? '').trim();
  const location = columns.location < 0 ? '' : (record[columns.location] ?? '').trim();
  const most = Math.max(columns.sku, columns.qty, columns.location) + 1;
  if (record.length > most) return { line, why: `has ${record.length} fields, not ${most}` };
  if (!validSku.test(sku)) return { line, why: `${shown(sku)} is not a SKU` };
  const qty = Number(quantity);
  if (!/^\+?\d+(?:\.0+)?$/.test(quantity) || !Number.isSafeInteger(qty)) {
    return { line, why: `${shown(quantity)} is not a whole number` };
  }
  if (qty < least) return { line, why: `${qty} is below ${least}` };
  if (location !== '' && !validLocation.test(location)) {
    return { line, why: `${shown(location)} is not a location` };
  }
  return { line, sku, qty, location: location === '' ? undefined : location };
}

function columnsOf(heading: readonly string[]): Columns {
  const qty = ['qty', 'quantity', 'counted']
    .map((name) => heading.indexOf(name))
    .find((at) => at >= 0);
  if (qty === undefined) throw failure('the heading names no column "qty"');
  return { sku: heading.indexOf('sku'), qty, location: heading.indexOf('location') };
}

function decode(content: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    throw failure('the file is not UTF-8 text: save it as UTF-8');
  }
}

function parseCsv(text: string): Parsed[] {
  try {
    return parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as Parsed[];
  } catch (error) {
    throw failure(`the file is no CSV: ${(error as Error).message}`);
  }
}

function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
