/**
 * `lastunit rebuild`: a read model again from the journal, while everything goes on.
 *
 * 1. Rows are replaced one by one and by compare-and-set: a row that is newer than our fold stays (invariant 10).
 * 2. What does not come from the journal is removed.
 */

import type { Command } from 'commander';
import { decodeJournalMessage } from '../../contract/journal-message.ts';
import { stockRowOf, viewRowOf } from '../../contract/rows.ts';
import { decodeEvents } from '../../domain/event-codec.ts';
import { evolve } from '../../domain/evolve.ts';
import { skuKeyOf } from '../../domain/names.ts';
import { initialState, type SkuState } from '../../domain/state.ts';
import { viewChannels } from '../../http/backend.ts';
import { createJournal } from '../../nats/journal.ts';
import { storedRows, type WantedRow, writeRows } from '../../nats/row-writer.ts';
import type { Journal, JournalMeta } from '../../ports.ts';
import type { Context } from '../context.ts';
import { failure, usageError } from '../exit.ts';
import { printJson, showNumber } from '../output.ts';
import { type Session, withSession } from '../session.ts';

/** A SKU as the journal has it, and the commit that made it so. */
interface Folded {
  readonly state: SkuState;
  seq: number;
  atMs: number;
}

type Row = Readonly<Record<string, unknown>>;

/** One read model: how its rows look, and whether one that is there is right. */
interface Model {
  readonly render: (folded: Folded) => string;
  readonly isRight: (there: Row, wanted: Row) => boolean;
}

export function registerRebuild(program: Command, context: () => Context): void {
  program
    .command('rebuild')
    .summary('a read model again from the journal')
    .description(
      'Writes the rows of a bucket (inv_stock, inv_view_<channel>) again from the journal, while sales go on. ' +
        'Rows that are right stay untouched.',
    )
    .argument('<bucket>', 'which bucket')
    .option('--json', 'print the result as JSON')
    .action((bucket: string, given: { json?: boolean }) =>
      run(bucket, given.json === true, context()),
    );
}

async function run(bucket: string, json: boolean, context: Context): Promise<void> {
  const { output } = context;
  const result = await withSession(context, (session) => rebuild(bucket, context, session));
  if (json) printJson(output, { bucket, ...result });
  else {
    const { skus, written } = result;
    output.line(
      `${bucket}: ${showNumber(skus)} SKUs compared, ${showNumber(written)} rows written again`,
    );
  }
}

async function rebuild(bucket: string, context: Context, session: Session) {
  const { api, names, read } = session;
  const model = modelOf(bucket, context, session);
  const meta = (await read.value(names.buckets.nodes, 'meta')) as JournalMeta | undefined;
  if (meta === undefined) throw failure('there is no journal yet: start a node first');
  // Rows before journal: whatever stands in a row is then in the fold, unless it is no row of ours.
  const stored = await storedRows(api, bucket);
  const wanted = new Map<string, WantedRow>();
  const journal = createJournal(api, names);
  for (let partition = 0; partition < meta.partitions; partition += 1) {
    context.output.progress(`journal: partition ${partition} of ${meta.partitions}`);
    for (const [sku, folded] of await foldPartition(journal, partition)) {
      wanted.set(skuKeyOf(sku), replacement(model, model.render(folded), folded.seq));
    }
  }
  const skus = wanted.size;
  for (const key of stored.keys()) {
    if (!wanted.has(key)) wanted.set(key, removal());
  }
  const progress = (done: number) =>
    context.output.progress(`${bucket}: ${showNumber(done)} of ${showNumber(wanted.size)}`);
  const written = await writeRows(api, { bucket, stored, wanted, progress });
  return { skus, written };
}

/** Removes the row that was there at the beginning, and none that its owner has written since. */
function removal(): WantedRow {
  let tried = false;
  return (stored) => {
    if (tried || stored?.payload === undefined) return undefined;
    tried = true;
    return { payload: undefined };
  };
}

/** Nothing to do where the row is right already, or newer than what has been folded. */
function replacement(model: Model, payload: string, seq: number): WantedRow {
  const wanted = rowOf(payload) as Row;
  let tried = false;
  return (stored) => {
    const there = rowOf(stored?.payload);
    if (there !== undefined && model.isRight(there, wanted)) return undefined;
    // A row that appears while we write is its owner's, who knows better.
    if (tried && there !== undefined && Number(there.asOfSeq) > seq) return undefined;
    tried = true;
    return { payload };
  };
}

function rowOf(payload: string | undefined): Row | undefined {
  try {
    const row: unknown = JSON.parse(payload ?? 'null');
    return typeof row === 'object' && row !== null ? (row as Row) : undefined;
  } catch {
    return undefined;
  }
}

function modelOf(bucket: string, { config }: Context, { names }: Session): Model {
  if (bucket === names.buckets.stock) {
    return {
      render: ({ state, seq, atMs }) => stockRowOf(state, { asOfSeq: seq, updatedAtMs: atMs }),
      isRight: (there, wanted) => JSON.stringify(there) === JSON.stringify(wanted),
    };
  }
  const channels = viewChannels(config);
  const channel = channels.find((name) => names.buckets.view(name) === bucket);
  if (channel === undefined) {
    const known = [names.buckets.stock, ...channels.map((name) => names.buckets.view(name))];
    throw usageError(`${bucket} is no read model; these are: ${known.join(', ')}`);
  }
  const rules = config.rules.channels.get(channel)!;
  return {
    render: ({ state, seq, atMs }) =>
      viewRowOf(state, rules, { asOfSeq: seq, updatedAtMs: atMs }).payload,
    // Written only when something visible changes, so an older row may be right.
    isRight: (there, wanted) =>
      ['sku', 'available', 'status'].every((field) => there[field] === wanted[field]) &&
      ['version', 'asOfSeq', 'updatedAtMs'].every(
        (field) => Number(there[field]) <= Number(wanted[field]),
      ),
  };
}

async function foldPartition(journal: Journal, partition: number): Promise<Map<string, Folded>> {
  const folded = new Map<string, Folded>();
  const last = await journal.last(partition);
  if (last === undefined) return folded;
  await journal.read(partition, { from: 1, to: last.seq }, (entry) => {
    const message = decodeJournalMessage(entry.payload);
    for (const { sku, firstVersion, events } of message.groups) {
      let one = folded.get(sku);
      if (one === undefined) {
        one = { state: initialState(sku), seq: 0, atMs: 0 };
        folded.set(sku, one);
      }
      for (const event of decodeEvents(sku, firstVersion, message.atMs, events)) {
        evolve(one.state, event, message.expect);
      }
      one.seq = entry.seq;
      one.atMs = message.atMs;
    }
  });
  return folded;
}
