/**
 * What a snapshot says about itself: in the JSON body, in a file beside the CSV, in the row of a
 * query. What it does not say is taken from the occasion (a file's time, the time of the query).
 */

import type { ErpWatermark } from '../ports.ts';
import { ErpSourceError } from '../ports.ts';
import { shown } from './record-mapping.ts';

/** Everything about a snapshot but its lines. */
export interface SnapshotMetadata {
  readonly snapshotId: string;
  readonly asOfFromMs: number;
  readonly asOfToMs: number;
  readonly complete: boolean;
  readonly statedLines?: number;
  readonly statedChecksum?: string;
  readonly watermarks: Readonly<Record<string, ErpWatermark>>;
}

type Given = Readonly<Record<string, unknown>>;

/**
 * Reads the fields `snapshotId`, `asOfFromMs`, `asOfToMs` (or one `asOfMs`; each also as ISO 8601
 * without `Ms`), `complete`, `lineCount`, `checksum`, `watermarks`. Others are ignored: the body of a
 * JSON export has its lines beside them. Rejects what is there and wrong.
 */
export function readMetadata(
  given: Given,
  occasion: Pick<SnapshotMetadata, 'snapshotId' | 'asOfFromMs' | 'asOfToMs'>,
): SnapshotMetadata {
  const asOf = timeOf(given, 'asOf');
  const statedLines = given.lineCount;
  if (statedLines !== undefined && !isCount(statedLines)) throw wrong('lineCount', statedLines);
  const { complete = true, checksum } = given;
  if (typeof complete !== 'boolean') throw wrong('complete', complete);
  if (checksum !== undefined && typeof checksum !== 'string') throw wrong('checksum', checksum);
  return {
    snapshotId: idOf(given.snapshotId) ?? occasion.snapshotId,
    asOfFromMs: timeOf(given, 'asOfFrom') ?? asOf ?? occasion.asOfFromMs,
    asOfToMs: timeOf(given, 'asOfTo') ?? asOf ?? occasion.asOfToMs,
    complete,
    watermarks: watermarksOf(given.watermarks ?? {}),
    ...(statedLines === undefined ? {} : { statedLines }),
    ...(checksum === undefined ? {} : { statedChecksum: checksum.replace(/^sha256:/, '') }),
  };
}

function idOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const id = typeof value === 'number' ? String(value) : value;
  if (typeof id !== 'string' || !/^[^\p{Cc}\p{Cs}]{1,128}$/u.test(id))
    throw wrong('snapshotId', value);
  return id;
}

/** `<name>Ms` as milliseconds, or `<name>` as ISO 8601 with a zone: a time without one is a guess. */
function timeOf(given: Given, name: string): number | undefined {
  const ms = given[`${name}Ms`];
  if (ms !== undefined) {
    if (!isCount(ms)) throw wrong(`${name}Ms`, ms);
    return ms;
  }
  const text = given[name];
  if (text === undefined) return undefined;
  const isZoned = typeof text === 'string' && /T.*(?:Z|[+-]\d\d:?\d\d)$/.test(text);
  const parsed = isZoned ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(parsed)) throw wrong(name, text);
  return parsed;
}

function watermarksOf(value: unknown): Record<string, ErpWatermark> {
  if (!isObject(value)) throw wrong('watermarks', value);
  const watermarks: Record<string, ErpWatermark> = Object.create(null);
  for (const [lane, mark] of Object.entries(value)) {
    if (!isObject(mark)) throw wrong(`watermarks.${lane}`, mark);
    const throughMs = timeOf(mark, 'through');
    const { throughDocument } = mark;
    if (throughDocument !== undefined && typeof throughDocument !== 'string') {
      throw wrong(`watermarks.${lane}.throughDocument`, throughDocument);
    }
    if (throughMs === undefined && throughDocument === undefined) {
      throw wrong(`watermarks.${lane}`, mark);
    }
    watermarks[lane] = {
      ...(throughMs === undefined ? {} : { throughMs }),
      ...(throughDocument === undefined ? {} : { throughDocument }),
    };
  }
  return watermarks;
}

export function isObject(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function wrong(field: string, value: unknown): ErpSourceError {
  const text = JSON.stringify(value) ?? 'nothing';
  return new ErpSourceError('metadata', `${field} is ${shown(text)}`, { isFinal: true });
}
