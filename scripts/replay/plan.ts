/**
 * What a transactions file asks for: carts, returns and write-offs in the order of the file, and the
 * stock that every code must have when all of it is done. The sums are made here, from the file
 * alone, by code that shares nothing with the runtime.
 *
 * Columns: `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,Country`. An invoice that
 * begins with `C` is a cancellation; other negative quantities are write-offs.
 */

import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';

/** One thing that happened, for one channel. */
export type Step =
  | { readonly kind: 'sale'; readonly invoice: string; readonly lines: ReadonlyMap<string, number> }
  | {
      readonly kind: 'return';
      readonly invoice: string;
      readonly sku: string;
      readonly qty: number;
    }
  | {
      readonly kind: 'write-off';
      readonly invoice: string;
      readonly sku: string;
      readonly qty: number;
    };

export interface Plan {
  /** Stock to receive before anything is sold: what the file sells and writes off of each code. */
  readonly opening: ReadonlyMap<string, number>;
  readonly steps: readonly Step[];
  /** On hand of each code afterwards. */
  readonly expected: ReadonlyMap<string, number>;
  readonly totals: {
    readonly lines: number;
    readonly skipped: number;
    readonly invoices: number;
    readonly sold: number;
    readonly returned: number;
    readonly writtenOff: number;
  };
}

interface Line {
  readonly InvoiceNo: string;
  readonly StockCode: string;
  readonly Quantity: string;
  /** `2011-12-05 08:38:00`. */
  readonly InvoiceDate: string;
}

/** The contract's limit of lines per cart: longer invoices become several carts. */
const linesPerCart = 100;

function add(sums: Map<string, number>, sku: string, qty: number): void {
  sums.set(sku, (sums.get(sku) ?? 0) + qty);
}

/**
 * Reads a CSV file, gzipped or not; of one day (`2011-12-05`) if one is given. Lines without a code or
 * with quantity 0 are counted and left out.
 */
export async function readPlan(path: string, day = ''): Promise<Plan> {
  const opening = new Map<string, number>();
  const expected = new Map<string, number>();
  const steps: Step[] = [];
  const totals = { lines: 0, skipped: 0, invoices: 0, sold: 0, returned: 0, writtenOff: 0 };
  let current: { invoice: string; lines: Map<string, number> } | undefined;
  const closeInvoice = () => {
    if (current && current.lines.size > 0) {
      const { invoice, lines } = current;
      steps.push({ kind: 'sale', invoice, lines });
    }
    current = undefined;
  };
  for await (const row of linesOf(path)) {
    if (!row.InvoiceDate.startsWith(day)) continue;
    totals.lines += 1;
    const { InvoiceNo: invoice, StockCode: sku } = row;
    const qty = Number(row.Quantity);
    if (sku === '' || !Number.isSafeInteger(qty) || qty === 0) {
      totals.skipped += 1;
      continue;
    }
    if (current?.invoice !== invoice) {
      closeInvoice();
      totals.invoices += 1;
    }
    const isReturn = qty < 0 && invoice.startsWith('C');
    // A code that is only ever returned opens with 0: it must be known before.
    add(opening, sku, isReturn ? 0 : Math.abs(qty));
    add(expected, sku, isReturn ? -qty : 0);
    if (qty > 0) {
      current ??= { invoice, lines: new Map() };
      if (current.lines.size >= linesPerCart && !current.lines.has(sku)) {
        closeInvoice();
        current = { invoice, lines: new Map() };
      }
      add(current.lines, sku, qty);
      totals.sold += qty;
    } else if (isReturn) {
      steps.push({ kind: 'return', invoice, sku, qty: -qty });
      totals.returned += -qty;
    } else {
      steps.push({ kind: 'write-off', invoice, sku, qty: -qty });
      totals.writtenOff += -qty;
    }
    current ??= { invoice, lines: new Map() };
  }
  closeInvoice();
  return { opening, steps, expected, totals };
}

/** The day with most lines. */
export async function busiestDay(path: string): Promise<string> {
  const counts = new Map<string, number>();
  for await (const { InvoiceDate } of linesOf(path)) add(counts, InvoiceDate.slice(0, 10), 1);
  const [first = ['', 0], ...others] = counts;
  return others.reduce((most, next) => (next[1] > most[1] ? next : most), first)[0];
}

function linesOf(path: string): AsyncIterable<Line> {
  const bytes = createReadStream(path);
  const text = path.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  return text.pipe(parse({ columns: true, bom: true, relax_quotes: true }));
}
