/**
 * From a record of the ERP (a CSV row, a JSON object, a row of a query) to a line in our terms, or to
 * the reason why it cannot be used. Nothing is guessed: a number in an unknown unit, or one that is
 * not whole, is refused, and a missing line stays missing.
 */

import { createHash } from 'node:crypto';
import { skuPattern } from '../contract/fields.ts';
import { defaultLocation } from '../domain/rules.ts';
import type { ErpBatch, ErpLine, ErpRefusedLine, ErpTotals } from '../ports.ts';
import { ErpSourceError } from '../ports.ts';

/** How a source's records are to be read. */
export interface MappingSettings {
  /** Name of the column for each of our fields. */
  readonly columns: {
    readonly sku: string;
    readonly qty: string;
    readonly location: string;
    readonly unit: string;
    readonly packSize: string;
  };
  /** The ERP's locations in our names; empty: they are ours. */
  readonly locations: Readonly<Record<string, string>>;
  /** Base units per unit of measure; a unit that is not here is refused. */
  readonly units: Readonly<Record<string, number>>;
  readonly decimalComma: boolean;
  readonly allowNegative: boolean;
}

export const defaultMapping: MappingSettings = {
  columns: { sku: 'sku', qty: 'qty', location: 'location', unit: 'unit', packSize: 'packSize' },
  locations: {},
  units: { '': 1, EA: 1, PC: 1, PCS: 1, PCE: 1, ST: 1, STK: 1, EACH: 1 },
  decimalComma: false,
  allowNegative: false,
};

type ErpRecord = Readonly<Record<string, unknown>>;
type Refusal = Omit<ErpRefusedLine, 'line'>;

const batchLines = 1_000;
const skuShape = new RegExp(skuPattern, 'u');
const locationShape = /^[a-z0-9-]{1,32}$/;

/** Reads one snapshot's records, in order. */
export class RecordReader {
  readonly #settings: MappingSettings;
  readonly #locations: ReadonlyMap<string, string>;
  readonly #units: ReadonlyMap<string, number>;
  readonly #each: (batch: ErpBatch) => void | Promise<void>;
  readonly #hash = createHash('sha256');
  /** Lines by name, and whether they were there more than once. */
  readonly #seen = new Map<string, 'once' | 'again'>();
  #lines: ErpLine[] = [];
  #refused: ErpRefusedLine[] = [];
  #count = 0;
  #refusedCount = 0;

  constructor(settings: MappingSettings, each: (batch: ErpBatch) => void | Promise<void>) {
    this.#settings = settings;
    this.#locations = new Map(Object.entries(settings.locations));
    this.#units = new Map(Object.entries(settings.units));
    this.#each = each;
  }

  /** Takes one record. Resolves when the next may come. */
  add(record: ErpRecord): void | Promise<void> {
    this.#count += 1;
    if (this.#count === 1) this.#checkColumns(record);
    const { columns } = this.#settings;
    const written = [record[columns.sku], record[columns.location] ?? '', record[columns.qty]];
    this.#hash.update(`${written.map(textOf).join('\t')}\n`);
    return this.#take(this.#lineOf(record));
  }

  /** Takes the last record, of which there may be more that is missing. */
  addCut(record: ErpRecord): void | Promise<void> {
    this.#count += 1;
    if (this.#count === 1) this.#checkColumns(record);
    const sku = textOf(record[this.#settings.columns.sku]);
    const message = `${shown(sku)}: the file ends within this line, or has no line end there`;
    return this.#take({ reason: 'cut', message });
  }

  #take(line: ErpLine | Refusal): void | Promise<void> {
    if ('reason' in line) {
      this.#refusedCount += 1;
      this.#refused.push({ line: this.#count, ...line });
    } else {
      this.#lines.push(line);
    }
    if (this.#lines.length + this.#refused.length >= batchLines) return this.#flush();
  }

  /** Hands over what is left, and counts. */
  async end(): Promise<ErpTotals> {
    await this.#flush();
    const checksum = this.#hash.digest('hex');
    return { lines: this.#count, refused: this.#refusedCount, checksum };
  }

  #flush(): void | Promise<void> {
    const batch = { lines: this.#lines, refused: this.#refused };
    this.#lines = [];
    this.#refused = [];
    return this.#each(batch);
  }

  #checkColumns(record: ErpRecord): void {
    const { sku, qty } = this.#settings.columns;
    const missing = [sku, qty].filter((column) => !Object.hasOwn(record, column));
    if (missing.length === 0) return;
    const there = Object.keys(record).slice(0, 20).map(shown).join(', ');
    const message = `no column ${missing.map(shown).join(' or ')}; there are ${there}`;
    throw new ErpSourceError('columns', message, { isFinal: true });
  }

  #lineOf(record: ErpRecord): ErpLine | Refusal {
    const { columns } = this.#settings;
    const sku = textOf(record[columns.sku]);
    if (!skuShape.test(sku)) return { reason: 'sku', message: `SKU ${shown(sku)}` };
    const location = this.#locationOf(textOf(record[columns.location]));
    if (typeof location !== 'string') return location;
    const qty = this.#quantityOf(record[columns.qty], textOf(record[columns.unit]));
    if (typeof qty !== 'number') return qty;
    const key = `${location} ${sku}`;
    const seen = this.#seen.get(key);
    this.#seen.set(key, seen === undefined ? 'once' : 'again');
    if (seen !== undefined) {
      // Parts of a sum, or the same twice: which of them is the stock, nobody can say.
      const message = `${shown(sku)} at ${location} was there before`;
      if (seen === 'again') return { reason: 'double', message };
      this.#refusedCount += 1;
      return { reason: 'double', message, withdraws: { sku, location } };
    }
    const packSize = Number(record[columns.packSize] ?? 0);
    return Number.isSafeInteger(packSize) && packSize > 1
      ? { sku, location, qty, packSize }
      : { sku, location, qty };
  }

  #locationOf(written: string): string | Refusal {
    if (this.#locations.size > 0) {
      const mapped = this.#locations.get(written);
      return mapped ?? { reason: 'location', message: `location ${shown(written)} is not mapped` };
    }
    if (written === '') return defaultLocation;
    if (locationShape.test(written)) return written;
    return { reason: 'location', message: `location ${shown(written)}` };
  }

  #quantityOf(value: unknown, unit: string): number | Refusal {
    const perUnit = this.#units.get(unit);
    if (perUnit === undefined) return { reason: 'unit', message: `unit ${shown(unit)} is unknown` };
    const number = numberOf(value, this.#settings.decimalComma);
    // 0.5 cases of 12 are 6 pieces; 0.5 pieces are nothing that can be sold.
    const qty = number === undefined ? Number.NaN : roundedWhole(number * perUnit);
    if (!Number.isSafeInteger(qty)) {
      return { reason: 'quantity', message: `quantity ${shown(textOf(value))}` };
    }
    if (qty < 0 && !this.#settings.allowNegative) {
      return { reason: 'negative', message: `quantity ${qty} is negative` };
    }
    return qty === 0 ? 0 : qty;
  }
}

/** A plain decimal number, without thousands' separators; undefined for everything else. */
function numberOf(value: unknown, decimalComma: boolean): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string') return undefined;
  const text = decimalComma ? value.trim().replace(',', '.') : value.trim();
  // SAP writes the sign behind the number.
  const match = /^([+-]?)([0-9]{1,16}(?:\.[0-9]{1,9})?)(-?)$/.exec(text);
  if (match === null || (match[1] !== '' && match[3] !== '')) return undefined;
  return Number(`${match[1] === '-' || match[3] === '-' ? '-' : ''}${match[2]}`);
}

/** Whole but for the error of floating point; NaN otherwise. */
function roundedWhole(number: number): number {
  const rounded = Math.round(number);
  return Math.abs(number - rounded) < 1e-6 ? rounded : Number.NaN;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : '';
}

/** For messages: short, and without anything that a terminal would obey. */
export function shown(text: string): string {
  const safe = JSON.stringify(text).replace(/[\u007f-\u009f\u200b-\u202e\u2066-\u2069]/g, '?');
  return safe.length > 60 ? `${safe.slice(0, 60)}…"` : safe;
}
