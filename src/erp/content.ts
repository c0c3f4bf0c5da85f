/**
 * From the bytes of an export to a snapshot: one way for files and HTTP bodies.
 */

import { createHash } from 'node:crypto';
import type { ErpSnapshot } from '../ports.ts';
import { type CsvSettings, csvRecords } from './csv-records.ts';
import { readJson } from './json-records.ts';
import { readMetadata } from './metadata.ts';
import { type MappingSettings, RecordReader } from './record-mapping.ts';
import { decodeText, type Encoding } from './text.ts';

export interface ContentSettings {
  readonly format: 'csv' | 'json';
  readonly encoding: Encoding;
  readonly csv: CsvSettings;
  readonly mapping: MappingSettings;
}

/** What is known of an export from where it came from. */
export interface Occasion {
  /**
   * What tells this export from another with the same content: names the snapshot together with the
   * content's hash, unless the export names itself.
   */
  readonly occasion: string;
  readonly asOfFromMs: number;
  readonly asOfToMs: number;
  /** Metadata that lay beside the content; goes before what the content says. */
  readonly beside?: Readonly<Record<string, unknown>>;
  /** Nothing is missing at the end: a checksum or the protocol says so. */
  readonly isWhole?: boolean;
}

/** Throws an `ErpSourceError` when the content is broken; a CSV's rows are read later. */
export function snapshotOf(
  bytes: Uint8Array,
  settings: ContentSettings,
  occasion: Occasion,
): ErpSnapshot {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 24);
  const text = decodeText(bytes, settings.encoding);
  const content = settings.format === 'json' ? readJson(text) : undefined;
  const metadata = readMetadata(
    { ...content?.fields, ...occasion.beside },
    { ...occasion, snapshotId: `${hash}@${occasion.occasion}` },
  );
  return {
    ...metadata,
    async read(each) {
      const reader = new RecordReader(settings.mapping, each);
      const records = content?.records ?? csvRecords(text, settings.csv);
      const isKnownWhole = occasion.isWhole === true || metadata.statedChecksum !== undefined;
      const isCut = content === undefined && !isKnownWhole && !endsLine(text);
      let last: Readonly<Record<string, unknown>> | undefined;
      for await (const record of records) {
        const waiting = last && reader.add(last);
        last = record;
        if (waiting !== undefined) await waiting;
      }
      if (last !== undefined) await (isCut ? reader.addCut(last) : reader.add(last));
      return reader.end();
    },
  };
}

/** Whether a CSV's last line is all there: `B,12` may have been `B,120`. */
function endsLine(text: string): boolean {
  return text === '' || /[\r\n"]$/.test(text);
}
