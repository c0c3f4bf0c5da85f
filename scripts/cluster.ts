// `npm run cluster`: three nats-servers of config/cluster-*.conf and two nodes, on this machine, to look at and to
// maltreat. Whatever dies is started again after a moment. Ctrl-C stops the nodes first, then the servers.
// `-- --nodes N` starts N nodes.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findServerBinary } from '../src/nats/server-binary.ts';

const restartMs = 3_000;
const patienceMs = 60_000;
const serverPorts = [4222, 4223, 4224];
const httpPort = 8080;
const url = serverPorts.map((port) => `nats://127.0.0.1:${port}`).join(',');
const lastunit = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const configFolder = fileURLToPath(new URL('../../config/', import.meta.url));

const say = (line: string) => process.stdout.write(`${line}\n`);

/** A process that is started again when it dies. */
class Kept {
  readonly name: string;
  readonly #start: () => ChildProcess;
  #child: ChildProcess;
  #stopping = false;

  constructor(name: string, start: () => ChildProcess) {
    this.name = name;
    this.#start = start;
    this.#child = this.#watch(start());
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await gone;
  }

  #watch(child: ChildProcess): ChildProcess {
    child.once('exit', async (code, signal) => {
      if (this.#stopping) return;
      say(`${this.name} ended (${signal ?? code}); it is started again in ${restartMs / 1000} s`);
      await sleep(restartMs);
      if (this.#stopping) return;
      this.#child = this.#watch(this.#start());
      say(`${this.name} is process ${this.pid}`);
    });
    return child;
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { nodes: { type: 'string', default: '2' } } });
  await mustBeFree([...serverPorts, httpPort]);
  const binary = await findServerBinary();
  mkdirSync('.lastunit', { recursive: true });
  // Process groups of their own: Ctrl-C reaches us alone, and we stop them in order.
  const servers = serverPorts.map(
    (_, index) =>
      new Kept(`server cluster-${index + 1}`, () =>
        spawn(
          binary.path,
          [
            '--config',
            `${configFolder}cluster-${index + 1}.conf`,
            '--log',
            `.lastunit/cluster-${index + 1}.log`,
          ],
          { detached: true, stdio: 'ignore' },
        ),
      ),
  );
  const nodes: Kept[] = [];
  const stop = async () => {
    say('stopping');
    await Promise.all(nodes.map((node) => node.stop()));
    await Promise.all(servers.map((server) => server.stop()));
    process.exit(0);
  };
  process.once('SIGINT', () => void stop());
  process.once('SIGTERM', () => void stop());
  await Promise.all(serverPorts.map(listens));
  for (let index = 0; index < Number(values.nodes); index++)
    nodes.push(startNode(`n${index + 1}`, index));
  await Promise.all(nodes.map((_, index) => ready(index)));
  explain(servers, nodes);
}

function startNode(name: string, index: number): Kept {
  return new Kept(`node ${name}`, () =>
    spawn(process.execPath, [lastunit, 'node', '--name', name], {
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        LASTUNIT_NATS_URL: url,
        LASTUNIT_HTTP_PORT: String(httpPort + index),
        LASTUNIT_LOG_LEVEL: process.env.LASTUNIT_LOG_LEVEL ?? 'error',
      },
    }),
  );
}

function explain(servers: readonly Kept[], nodes: readonly Kept[]): void {
  for (const { name, pid } of [...servers, ...nodes]) say(`${name}: process ${pid}`);
  say(`
Three servers and ${nodes.length} nodes serve. In another terminal:

  export LASTUNIT_NATS_URL=${url}
  npx lastunit import config/catalogue.csv --as receive
  npx lastunit nodes
  npx lastunit reserve --help

  kill -9 ${servers[0]?.pid}        a server dies: no acknowledged change is lost, service is back within 10 s
  kill -9 ${nodes[0]?.pid}        a node dies: its SKUs answer again within 3 s
  kill -STOP ${nodes[0]?.pid}     a node freezes, and with kill -CONT wakes: nothing is sold twice
  npx lastunit audit     the journal folded again and compared with everything

Consoles: ${nodes.map((_, index) => `http://127.0.0.1:${httpPort + index}`).join(' ')}
Ctrl-C stops everything; the data stays in .lastunit.`);
}

async function mustBeFree(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    if (!(await answers(port))) continue;
    process.stderr.write(`port ${port} is in use: stop what listens there first\n`);
    process.exit(1);
  }
}

async function listens(port: number): Promise<void> {
  const endMs = Date.now() + patienceMs;
  while (!(await answers(port))) {
    if (Date.now() > endMs)
      throw new Error(`no server on port ${port}; see .lastunit/cluster-*.log`);
    await sleep(100);
  }
}

async function ready(index: number): Promise<void> {
  const endMs = Date.now() + patienceMs;
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${httpPort + index}/readyz`).catch(
      () => undefined,
    );
    if (response?.ok) return;
    if (Date.now() > endMs) throw new Error(`node n${index + 1} does not get ready`);
    await sleep(200);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const done = (does: boolean) => {
      socket.destroy();
      resolve(does);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

await main();
