/**
 * Step 0: which snapshots are looked at at all. A snapshot that may be truncated, old or somebody
 * else's is refused whole: nothing can be proven with it, and much can be destroyed.
 *
 * 1. A missing line is not zero; too many missing lines are a broken export.
 */

/** What a snapshot says about itself, and what was counted in it. */
export interface SnapshotHeader {
  readonly snapshotId: string;
  readonly asOfFromMs: number;
  readonly asOfToMs: number;
  /** False: it is known to hold only part of the lines. */
  readonly complete: boolean;
  /** Lines that the source says it has written. */
  readonly statedLines?: number;
  /** Checksum that the source states, and that of what arrived. */
  readonly statedChecksum?: string;
  readonly checksum?: string;
  readonly lines: number;
  /** Lines that cannot be used: unknown unit, not a number … */
  readonly refusedLines: number;
  /** By lane: everything up to a time is posted. */
  readonly watermarks: Readonly<Record<string, { readonly throughMs?: number }>>;
}

/** What is remembered of a source. */
export interface SourceMemory {
  readonly seenIds: ReadonlySet<string>;
  /** Of the last snapshot that was compared. */
  readonly lastAsOfToMs?: number;
  /** Lines of the last complete snapshot that was compared. */
  readonly lastLines?: number;
}

export interface AdmissionLimits {
  /** Share of lines (0 … 1) by which a complete snapshot may shrink. */
  readonly shrinkShareMax: number;
  /** Share of refused lines above which the columns must be mapped wrongly. */
  readonly refusedShareMax: number;
  /** A snapshot may be this far in the future: the ERP's clock is not ours. */
  readonly clockSkewMs: number;
  /** Ledger entries are kept apart for this long; older snapshots cannot be compared. */
  readonly ageMaxMs: number;
}

export const defaultAdmissionLimits: AdmissionLimits = {
  shrinkShareMax: 0.05,
  refusedShareMax: 0.5,
  clockSkewMs: 5 * 60_000,
  ageMaxMs: 24 * 60 * 60_000,
};

export type AdmissionReason =
  | 'empty'
  | 'duplicate'
  | 'not_newer'
  | 'window_invalid'
  | 'in_the_future'
  | 'watermark_invalid'
  | 'too_old'
  | 'line_count_wrong'
  | 'checksum_wrong'
  | 'too_few_lines'
  | 'too_many_refused_lines';

export interface AdmissionRefusal {
  readonly reason: AdmissionReason;
  readonly message: string;
}

/** Why the snapshot is refused whole; undefined: it is admitted. */
export function refuseSnapshot(
  header: SnapshotHeader,
  memory: SourceMemory,
  limits: AdmissionLimits,
  nowMs: number,
): AdmissionRefusal | undefined {
  return (
    refuseIdentity(header, memory) ??
    refuseWindow(header, memory, limits, nowMs) ??
    refuseWatermarks(header, limits) ??
    refuseContent(header, memory, limits)
  );
}

function refuseIdentity(
  { snapshotId }: SnapshotHeader,
  memory: SourceMemory,
): AdmissionRefusal | undefined {
  if (!memory.seenIds.has(snapshotId)) return undefined;
  return { reason: 'duplicate', message: `snapshot ${snapshotId} has been compared before` };
}

function refuseWindow(
  { asOfFromMs, asOfToMs }: SnapshotHeader,
  { lastAsOfToMs }: SourceMemory,
  limits: AdmissionLimits,
  nowMs: number,
): AdmissionRefusal | undefined {
  const isTime = (ms: number) => Number.isSafeInteger(ms) && ms > 0;
  if (!isTime(asOfFromMs) || !isTime(asOfToMs) || asOfFromMs > asOfToMs) {
    return { reason: 'window_invalid', message: `read from ${asOfFromMs} to ${asOfToMs}` };
  }
  if (asOfToMs > nowMs + limits.clockSkewMs) {
    return { reason: 'in_the_future', message: `read to ${iso(asOfToMs)}, now ${iso(nowMs)}` };
  }
  if (asOfFromMs < nowMs - limits.ageMaxMs) {
    const message = `read from ${iso(asOfFromMs)}: older than ${limits.ageMaxMs / 3_600_000} hours`;
    return { reason: 'too_old', message };
  }
  if (lastAsOfToMs !== undefined && asOfToMs <= lastAsOfToMs) {
    const message = `read to ${iso(asOfToMs)}, one read to ${iso(lastAsOfToMs)} has been compared`;
    return { reason: 'not_newer', message };
  }
  return undefined;
}

/** A time behind the snapshot would prove that it contains what had not happened yet. */
function refuseWatermarks(
  { watermarks, asOfToMs }: SnapshotHeader,
  { clockSkewMs }: AdmissionLimits,
): AdmissionRefusal | undefined {
  for (const [lane, { throughMs = 0 }] of Object.entries(watermarks)) {
    if (throughMs <= asOfToMs + clockSkewMs) continue;
    const message = `${lane} is said to be posted to ${iso(throughMs)}, it was read to ${iso(asOfToMs)}`;
    return { reason: 'watermark_invalid', message };
  }
  return undefined;
}

function refuseContent(
  header: SnapshotHeader,
  { lastLines }: SourceMemory,
  limits: AdmissionLimits,
): AdmissionRefusal | undefined {
  const { lines, statedLines, checksum, statedChecksum, refusedLines } = header;
  if (lines === 0) return { reason: 'empty', message: 'it has no lines' };
  if (statedLines !== undefined && statedLines !== lines) {
    const message = `it states ${statedLines} lines and has ${lines}`;
    return { reason: 'line_count_wrong', message };
  }
  if (statedChecksum !== undefined && statedChecksum !== checksum) {
    return { reason: 'checksum_wrong', message: 'its content does not match its checksum' };
  }
  const shrunk = lastLines !== undefined && lines < lastLines * (1 - limits.shrinkShareMax);
  if (header.complete && shrunk) {
    const message = `it has ${lines} lines after ${lastLines}, and does not say that it is partial`;
    return { reason: 'too_few_lines', message };
  }
  if (refusedLines > lines * limits.refusedShareMax && refusedLines > 1) {
    const message = `${refusedLines} of ${lines} lines cannot be used`;
    return { reason: 'too_many_refused_lines', message };
  }
  return undefined;
}

/** ISO 8601; a time that no calendar has is shown as its number. */
function iso(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
