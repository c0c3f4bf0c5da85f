/**
 * Sends the rows of a file as commands, in chunks.
 *
 * 1. Before a chunk is sent, the record says so: its rows are sent with that moment as `issuedAtMs`, also when they
 *    are repeated after a crash. While their ids are remembered, a repetition is answered again and does nothing.
 * 2. Later it is refused `id_expired`; then the SKU's history tells whether the row had taken effect, and only if not
 *    it is sent anew. So a file that was interrupted is finished exactly, however much later.
 */

import type { Accepted, Client, Refused } from '../../client/index.ts';
import type { ImportRecord, ImportRecords, ImportVerb } from './record.ts';
import { rowId } from './record.ts';
import type { BadRow, Row } from './rows.ts';

export interface ApplyOptions {
  readonly key: string;
  readonly file: string;
  readonly as: ImportVerb;
  readonly channel: string;
  readonly rows: readonly Row[];
  readonly client: Pick<Client, 'receive' | 'count'>;
  readonly records: ImportRecords;
  /** Whether a SKU's history has an event of this command. */
  readonly hasHappened: (sku: string, id: string) => Promise<boolean>;
  readonly now: () => number;
  readonly progress: (done: number) => void;
}

export interface Applied {
  /** Rows that took effect now. */
  readonly applied: number;
  /** Rows that had taken effect before. */
  readonly before: number;
  readonly refused: readonly BadRow[];
  /** The whole file had been imported before, at this time. */
  readonly finishedBeforeMs?: number;
}

/** Somebody else imports the same file right now. */
export class ImportConflictError extends Error {}

/** Small enough that a node on a busy machine answers a chunk without a noticeable pause. */
const chunkRows = 5_000;

export async function applyRows(options: ApplyOptions): Promise<Applied> {
  const { key, rows, records, now } = options;
  const stored = await records.read(key);
  if (stored !== undefined && stored.record.finishedAtMs > 0) {
    const { finishedAtMs } = stored.record;
    return { applied: 0, before: rows.length, refused: [], finishedBeforeMs: finishedAtMs };
  }
  const { file, as, channel } = options;
  let revision = stored?.revision ?? 0;
  let record: ImportRecord = stored?.record ?? {
    file,
    as,
    channel,
    rows: rows.length,
    doneRows: 0,
    sentAtMs: now(),
    startedAtMs: now(),
    finishedAtMs: 0,
  };
  const write = async (changes: Partial<ImportRecord>) => {
    record = { ...record, ...changes };
    const written = await records.write(key, record, revision);
    if (written === undefined) throw new ImportConflictError('somebody else imports this file now');
    revision = written;
  };

  const tally = new Tally(record.doneRows, stored !== undefined);
  if (stored === undefined) await write({});
  while (record.doneRows < rows.length) {
    const chunk = rows.slice(record.doneRows, record.doneRows + chunkRows);
    const { sentAtMs, doneRows } = record;
    await Promise.all(
      chunk.map(async (row) => {
        tally.add(row, await sendRow(options, row, sentAtMs));
        options.progress(tally.answered);
      }),
    );
    await write({ doneRows: doneRows + chunk.length, sentAtMs: now() });
  }
  await write({ finishedAtMs: now() });
  return tally;
}

type RowResult = 'applied' | 'before' | Refused;

class Tally implements Applied {
  applied = 0;
  before: number;
  readonly refused: BadRow[] = [];
  readonly #resumed: boolean;

  constructor(before: number, resumed: boolean) {
    this.before = before;
    this.#resumed = resumed;
  }

  get answered(): number {
    return this.applied + this.before + this.refused.length;
  }

  add(row: Row, result: RowResult): void {
    // In a first run an answer that comes again only means that a reply had been lost on the way.
    if (result === 'applied' || (result === 'before' && !this.#resumed)) this.applied += 1;
    else if (result === 'before') this.before += 1;
    else
      this.refused.push({ line: row.line, why: `${result.error.code}: ${result.error.message}` });
  }
}

async function sendRow(options: ApplyOptions, row: Row, issuedAtMs: number): Promise<RowResult> {
  const id = rowId(options.key, row.line);
  const reply = await send(options, row, id, issuedAtMs);
  if (reply.ok || reply.error.code !== 'id_expired') return resultOf(reply);
  if (await options.hasHappened(row.sku, id)) return 'before';
  return resultOf(await send(options, row, id, options.now()));
}

function resultOf(reply: Accepted | Refused): RowResult {
  if (!reply.ok) return reply;
  return reply.replayed === true ? 'before' : 'applied';
}

function send(
  { as, client }: ApplyOptions,
  { sku, qty, location }: Row,
  id: string,
  issuedAtMs: number,
): Promise<Accepted | Refused> {
  const common = { id, sku, issuedAtMs, ...(location === undefined ? {} : { location }) };
  return as === 'receive'
    ? client.receive({ ...common, qty })
    : client.count({ ...common, counted: qty });
}
