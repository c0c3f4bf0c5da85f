/** `lastunit audit`: an independent second fold of the journal, compared with everything that tells of stock. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { Told } from '../../audit/compare.ts';
import type { AuditReport, Difference } from '../../audit/report.ts';
import { type AuditSources, runAudit } from '../../audit/run.ts';
import type { Client } from '../../client/index.ts';
import { createJournal } from '../../nats/journal.ts';
import type { JournalMeta } from '../../ports.ts';
import { positiveNumber } from '../arguments.ts';
import type { Context } from '../context.ts';
import { CliError, exitStatus, failure } from '../exit.ts';
import { printJson, showNumber, visible } from '../output.ts';
import { type Session, withClient, withSession } from '../session.ts';
import { parseDuration, showDuration } from '../times.ts';

interface Given {
  readonly wait: number;
  /** Ask so many of them; true: all; false: none. */
  readonly actors: number | boolean;
  readonly json?: boolean;
}

const actorDeadlineMs = 30_000;
const differencesShown = 100;

export function registerAudit(program: Command, context: () => Context): void {
  program
    .command('audit')
    .summary('fold the journal again and compare everything with it')
    .description(
      'Folds the whole journal with code of its own, verifies its chain of sequences, and compares the result with ' +
        'the actors, the views and the history. Works while sales go on. Ends with 1 on any difference.',
    )
    .addOption(
      new Option('--wait <duration>', 'how long views may take to catch up')
        .argParser(parseDuration)
        .default(10_000, '10s'),
    )
    .addOption(
      new Option('--actors <count>', 'ask only so many actors, evenly spread (asking wakes them)')
        .argParser(positiveNumber)
        .default(true, 'all'),
    )
    .option('--no-actors', 'do not ask the actors (no node needs to run)')
    .option('--json', 'print the report as JSON')
    .action((given: Given) => run(given, context()));
}

async function run(given: Given, context: Context): Promise<void> {
  const report = await withSession(context, (session) =>
    given.actors !== false
      ? withClient(
          context,
          { channel: askingChannel(context), deadlineMs: actorDeadlineMs },
          (client) => audit(context, session, given, client),
        )
      : audit(context, session, given, undefined),
  );
  if (given.json === true) printJson(context.output, report);
  else for (const line of textOf(report)) context.output.line(line);
  if (report.ok) return;
  const lines =
    given.json === true ? [] : report.differences.slice(0, differencesShown).map(lineOf);
  const more = report.differenceCount - lines.length;
  if (more > 0 && given.json !== true) lines.push(`  … and ${showNumber(more)} more`);
  throw new CliError(
    exitStatus.refused,
    `${showNumber(report.differenceCount)} differences:`,
    lines,
  );
}

async function audit(
  context: Context,
  session: Session,
  given: Given,
  client: Client | undefined,
): Promise<AuditReport> {
  const { config, output } = context;
  const { names, api, read } = session;
  const meta = (await read.value(names.buckets.nodes, 'meta')) as JournalMeta | undefined;
  if (meta === undefined) throw failure('there is no journal yet: start a node first');
  const channels = [...config.rules.channels.values()];
  const asking = channels.find(({ name }) => name === client?.channel);
  const sources: AuditSources = {
    journal: createJournal(api, names),
    allStock: (each) => read.allStock((row) => each(row as unknown as Told)),
    allViews: (channel, each) => read.allViews(channel, (row) => each(row as unknown as Told)),
    stock: async (sku) => (await read.stock(sku)) as Told | undefined,
    view: async (channel, sku) => (await read.view(channel, sku)) as Told | undefined,
    allHistory: (each) => read.allHistory(each),
    historyVersion: (sku) => read.historyVersion(sku),
    ...(client === undefined || asking === undefined
      ? {}
      : { actor: { channel: asking, get: (sku) => strongRead(client, sku) } }),
  };
  return runAudit(sources, {
    partitions: meta.partitions,
    epoch: meta.epoch,
    genesis: meta.genesis,
    windows: config.limits,
    channels: channels.filter(({ view }) => view),
    bucketOf: (channel) =>
      channel === undefined ? names.buckets.stock : names.buckets.view(channel),
    actorsMax: typeof given.actors === 'number' ? given.actors : undefined,
    patienceMs: given.wait,
    progress: (what) => output.progress(what),
    now: () => performance.now(),
    sleep,
  });
}

async function strongRead(client: Client, sku: string): Promise<Told | undefined> {
  const reply = await client.get({ sku });
  if (reply.ok) return reply as unknown as Told;
  if (reply.error.code === 'unknown_sku') return undefined;
  throw failure(`${visible(sku)}: ${reply.error.code}: ${reply.error.message}`);
}

/** A channel that may read, preferably one without rules of its own. */
function askingChannel({ config }: Context): string {
  const { channels } = config.rules;
  const preferred = channels.get('ops');
  if (preferred?.verbs.has('get') === true) return preferred.name;
  const other = [...channels.values()].find(({ verbs }) => verbs.has('get'));
  if (other === undefined) throw failure('no channel may "get": use --no-actors');
  return other.name;
}

function textOf(report: AuditReport): string[] {
  const { messages, events, partitions, skus, onHand, reserved, rows, actors } = report;
  const rowText = Object.entries(rows).map(([bucket, count]) => `${bucket} ${showNumber(count)}`);
  return [
    `journal   ${showNumber(messages)} messages in ${partitions} partitions, ${showNumber(events)} events, chain verified`,
    `stock     ${showNumber(skus)} SKUs, ${showNumber(onHand)} on hand, ${showNumber(reserved)} reserved`,
    `actors    ${showNumber(actors)} asked`,
    `views     ${rowText.join(', ')}`,
    `history   ${showNumber(report.historyEvents)} events`,
    `${report.ok ? 'no difference' : 'DIFFERENCES'} (${showDuration(report.tookMs)})`,
  ];
}

function lineOf({ kind, where, sku, what }: Difference): string {
  return `  ${kind}, ${where}${sku === undefined ? '' : `, ${visible(sku)}`}: ${what}`;
}
