/** `lastunit doctor`: what is not as it should be, and what to do about it. */

import type { Command } from 'commander';
import { withoutSecrets } from '../../nats/connect.ts';
import { deadLetters } from '../../nats/dead-letters.ts';
import { journalDurability } from '../../nats/durability.ts';
import type { JournalMeta } from '../../ports.ts';
import type { Context } from '../context.ts';
import { CliError, exitStatus } from '../exit.ts';
import { printJson, tableLines } from '../output.ts';
import { type Session, withSession } from '../session.ts';
import { ranges } from './nodes.ts';

interface Finding {
  readonly state: 'ok' | 'warning' | 'problem';
  readonly what: string;
  readonly found: string;
}

/** The first nats-server without the bugs of 2.14.0 that could concern us. */
const serverVersionGood: readonly [number, number, number] = [2, 14, 1];

export function registerDoctor(program: Command, context: () => Context): void {
  program
    .command('doctor')
    .summary('what is not as it should be')
    .description(
      'Looks at server, streams, nodes and dead letters. Ends with 1 if there is a problem.',
    )
    .option('--json', 'one finding per line')
    .action((given: { json?: boolean }) => run(given.json === true, context()));
}

async function run(json: boolean, context: Context): Promise<void> {
  const { output } = context;
  const findings = await withSession(context, (session) => examine(context, session));
  if (json) for (const finding of findings) printJson(output, finding);
  else {
    for (const line of tableLines(findings, [
      { title: 'state', value: ({ state }) => state },
      { title: 'what', value: ({ what }) => what },
      { title: 'found', value: ({ found }) => found },
    ])) {
      output.line(line);
    }
  }
  const problems = findings.filter(({ state }) => state === 'problem').length;
  if (problems > 0) throw new CliError(exitStatus.refused, `${problems} problems`);
}

async function examine(context: Context, session: Session): Promise<Finding[]> {
  const { config, configPath, environment } = context;
  return [
    { state: 'ok', what: 'configuration', found: configPath },
    { state: 'ok', what: 'NATS', found: withoutSecrets(environment.natsUrl) },
    serverVersion(session),
    await durability(session, context),
    ...(await streams(session)),
    ...(await nodes(session, config.partitions)),
    await letters(session),
  ];
}

function serverVersion({ api }: Session): Finding {
  const version = api.mux.connection.info?.version ?? '0';
  const numbers = version.split(/[.-]/).slice(0, 3).map(Number);
  const differing = serverVersionGood.findIndex((number, at) => numbers[at] !== number);
  const older =
    differing >= 0 && (numbers[differing] ?? 0) < (serverVersionGood[differing] as number);
  const found = `nats-server ${version}`;
  return older
    ? {
        state: 'warning',
        what: 'server version',
        found: `${found}: ${serverVersionGood.join('.')} and later fix bugs; keep compression and encryption off until then`,
      }
    : { state: 'ok', what: 'server version', found };
}

async function durability({ api }: Session, { environment }: Context): Promise<Finding> {
  const what = 'durability';
  switch (await journalDurability(api.mux.connection, environment)) {
    case 'always':
      return {
        state: 'ok',
        what,
        found: 'acknowledged changes are on disk (sync_interval: always)',
      };
    case 'interval':
      return {
        state: 'problem',
        what,
        found:
          'acknowledged changes can be lost: set "sync_interval: always" in the jetstream block',
      };
    case 'unknown':
      return {
        state: 'warning',
        what,
        found:
          'unknown: no monitoring port found, set LASTUNIT_NATS_MONITOR (the server of `lastunit up` syncs always)',
      };
  }
}

async function streams({ api, names }: Session): Promise<Finding[]> {
  const wanted = Object.values(names.streams);
  return Promise.all(
    wanted.map(async (stream): Promise<Finding> => {
      const info = await api.info(stream);
      if (info === undefined) {
        return { state: 'problem', what: stream, found: 'missing: the first node makes it' };
      }
      const { messages } = info.state;
      const replicas = Number(info.config.num_replicas);
      const clustered = api.mux.connection.info?.cluster !== undefined;
      const found = `${messages} messages, ${replicas} replica${replicas === 1 ? '' : 's'}`;
      return clustered && replicas < 3
        ? {
            state: 'warning',
            what: stream,
            found: `${found} in a cluster: one server's death stops it`,
          }
        : { state: 'ok', what: stream, found };
    }),
  );
}

async function nodes({ read, names }: Session, configured: number): Promise<Finding[]> {
  const meta = (await read.value(names.buckets.nodes, 'meta')) as JournalMeta | undefined;
  if (meta === undefined) return [{ state: 'problem', what: 'journal', found: 'none yet' }];
  const findings: Finding[] = [];
  if (meta.partitions !== configured) {
    const found = `the journal has ${meta.partitions}, the configuration says ${configured}: set "partitions" to ${meta.partitions}`;
    findings.push({ state: 'problem', what: 'partitions', found });
  }
  const living = await read.nodes();
  const served = new Set(living.flatMap(({ partitions }) => partitions));
  const all = Array.from({ length: meta.partitions }, (_, partition) => partition);
  const orphans = all.filter((partition) => !served.has(partition));
  const found = `${living.length} living: ${living.map(({ name }) => name).join(', ') || 'none'}`;
  findings.push(
    orphans.length === 0
      ? { state: 'ok', what: 'nodes', found }
      : { state: 'problem', what: 'nodes', found: `${found}; nobody serves ${ranges(orphans)}` },
  );
  return findings;
}

async function letters({ api, names }: Session): Promise<Finding> {
  const { length } = await deadLetters(api, names);
  return length === 0
    ? { state: 'ok', what: 'dead letters', found: 'none' }
    : {
        state: 'warning',
        what: 'dead letters',
        found: `${length}: see \`lastunit facts dead\``,
      };
}
