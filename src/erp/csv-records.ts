/**
 * Records of a CSV text, by its headings. A row that is broken breaks the file: half a row is how a
 * truncated export ends, and there is no telling what else is missing.
 */

import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { ErpSourceError } from '../ports.ts';

export interface CsvSettings {
  /** One character; empty: the one of `, ; tab |` that the first line has most of. */
  readonly delimiter: string;
}

export const defaultCsv: CsvSettings = { delimiter: '' };

const sliceChars = 64 * 1024;
const recordCharsMax = 64 * 1024;

/** Every row as an object of texts. Throws an `ErpSourceError` where the text is no CSV. */
export async function* csvRecords(
  text: string,
  settings: CsvSettings,
): AsyncGenerator<Record<string, string>> {
  const parser = Readable.from(slices(text)).pipe(
    parse({
      columns: (headings: string[]) => distinct(headings.map((heading) => heading.trim())),
      delimiter: settings.delimiter === '' ? guessDelimiter(text) : settings.delimiter,
      bom: true,
      skip_empty_lines: true,
      max_record_size: recordCharsMax,
    }),
  );
  try {
    for await (const record of parser) yield record as Record<string, string>;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const message = `not a CSV: ${cause.message.slice(0, 200)}`;
    throw new ErpSourceError('format', message, { isFinal: true, cause });
  }
}

function* slices(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += sliceChars) yield text.slice(at, at + sliceChars);
}

function guessDelimiter(text: string): string {
  const end = text.search(/[\r\n]/);
  const first = end < 0 ? text : text.slice(0, end);
  const counts = [',', ';', '\t', '|'].map((char) => [char, first.split(char).length] as const);
  return counts.reduce((best, next) => (next[1] > best[1] ? next : best))[0];
}

function distinct(headings: string[]): string[] {
  const double = headings.find((heading, i) => heading !== '' && headings.indexOf(heading) !== i);
  if (double === undefined) return headings;
  const message = `two columns are called ${JSON.stringify(double)}`;
  throw new ErpSourceError('columns', message, { isFinal: true });
}
