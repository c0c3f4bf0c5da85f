/**
 * `lastunit up`: everything in one process tree, for one machine and for trying: embedded nats-server, one node,
 * console, and with `--demo` traffic of several channels. Stopping goes the other way round, so that the node can
 * finish what it has accepted while its server is still there.
 */

import type { Command } from 'commander';
import { viewChannels } from '../../http/backend.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../nats/embedded-server.ts';
import { forgetRowMarks } from '../../nats/row-marks.ts';
import type { Context } from '../context.ts';
import { startDemo } from '../demo/demo.ts';
import { erpSources } from '../erp-sources.ts';
import { failure } from '../exit.ts';
import { createLifetime, type Lifetime } from '../lifetime.ts';
import { always, createLog, type Pino } from '../log.ts';
import { listen, type RunningNode, runNode } from '../run-node.ts';

const nodeName = 'local';

export function registerUp(program: Command, context: () => Context): void {
  program
    .command('up')
    .summary('everything on this machine, to try or to use')
    .description(
      'Starts an embedded nats-server (its data stays in LASTUNIT_DATA_DIR), one node and the console.',
    )
    .option('--demo', 'imports a sample catalogue and lets several channels sell it')
    .action((options: { demo?: boolean }) => up(context(), options.demo === true));
}

async function up(context: Context, demo: boolean): Promise<void> {
  const { environment, output } = context;
  const log = createLog(environment.logLevel, output.isTerminal);
  const lifetime = createLifetime((why) => log.info({ why }, 'stopping: node first, then server'));
  // Not waited for: a start that is interrupted may wait for what will never come.
  start(context, demo, log, lifetime).catch((error: unknown) => lifetime.end(error));
  await lifetime.ended;
  log.info('stopped');
}

async function start(
  context: Context,
  demo: boolean,
  log: Pino,
  lifetime: Lifetime,
): Promise<void> {
  const erp = erpSources(context);
  const http = await listen(context, log, lifetime);
  const server = await startServer(context, log, lifetime);
  if (lifetime.ending) return;
  const running = await runNode({
    context,
    log,
    lifetime,
    http,
    natsUrl: server.url,
    name: nodeName,
    erp,
    folder: context.environment.dataDir,
    durable: true,
    // Rows are written to disk at leisure; what a crash has cost them is made good from the journal.
    prepare: async ({ api, names }) => {
      if (server.unclean) await forgetRowMarks(api, names, viewChannels(context.config));
    },
  });
  if (lifetime.ending) return;
  if (demo) await startDemo({ context, natsUrl: server.url, log, lifetime });
  explain(context, server, running, log);
}

async function startServer(
  { environment }: Context,
  log: Pino,
  lifetime: Lifetime,
): Promise<EmbeddedServer> {
  const { dataDir, natsPort } = environment;
  log.info({ dataDir }, 'starting nats-server');
  const server = await startEmbeddedServer({ dataDir, port: natsPort });
  await lifetime.onClose(() => server.stop());
  if (server.unclean) {
    const { orphanPids } = server;
    log.warn({ orphanPids }, 'the last stop was not clean: checking what is there');
  }
  void server.exited.then(({ code, signal }) => {
    const how = signal ?? `status ${code}`;
    lifetime.end(failure(`nats-server has ended by itself (${how}); its log is ${server.logPath}`));
  });
  return server;
}

/** Where things are, and what to try next. */
function explain(
  { environment, output }: Context,
  server: EmbeddedServer,
  { httpUrl }: RunningNode,
  log: Pino,
): void {
  const hints = [
    `console        ${httpUrl}`,
    `NATS           ${server.url} (nats-server ${server.version})`,
    `data           ${environment.dataDir}`,
    'Try in another terminal:',
    ...[
      'stock CONSOLE-LIMITED --watch',
      'reserve MUG-0001 --qty 2',
      'history MUG-0001',
      'audit',
    ].map((args) => `  ${shellCommand(server)} ${args}`),
    'Ctrl-C stops it; the data stays.',
  ];
  if (output.isTerminal) for (const hint of ['', ...hints, '']) output.line(hint);
  else for (const hint of hints) always(log).info({ hint: true }, hint.trim());
}

/** How this very command was called, so that the hint works as it stands. */
function shellCommand(server: EmbeddedServer): string {
  const script = process.argv[1] ?? 'lastunit';
  const here = `${process.cwd()}/`;
  const path = script.startsWith(here) ? script.slice(here.length) : script;
  const command = path.endsWith('.js') ? `node ${path}` : 'lastunit';
  return server.port === 4222 ? command : `LASTUNIT_NATS_URL=${server.url} ${command}`;
}
