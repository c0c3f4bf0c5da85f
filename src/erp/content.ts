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
      for await (const record of records) {
        const waiting = reader.add(record);
        if (waiting !== undefined) await waiting;
      }
      return reader.end();
    },
  };
}
