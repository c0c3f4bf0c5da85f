// A closed-loop load on lastunit: so many callers, each of whom sends its next command when the last one is answered.

import { type Client, type ClientOptions, connectClient } from '../../../src/client/index.ts';
import { ReceiptBook, type Receipts } from '../harness/receipts.ts';
import type { Line } from '../harness/worker.ts';
import { type Workload, type WorkloadParams, workloads } from '../harness/workloads.ts';

export interface LoadParams {
  /** Prefix of the command ids. */
  readonly name: string;
  readonly url: string;
  readonly channel: string;
  /** Connections. */
  readonly clients: number;
  /** Commands under way at a time, over all clients. */
  readonly callers: number;
  readonly seconds: number;
  readonly workload: WorkloadParams;
  readonly client?: Partial<ClientOptions>;
}

export interface LoadResult {
  readonly accepted: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly cpuSeconds: number;
  readonly receipts: Receipts;
}

export async function run(line: Line<LoadParams>): Promise<LoadResult> {
  const { name, url, channel, clients: count, callers, seconds, workload } = line.params;
  const options = { servers: url, channel, deadlineMs: 30_000, ...line.params.client };
  const clients = await Promise.all(Array.from({ length: count }, () => connectClient(options)));
  const book = new ReceiptBook(name);
  const work = workloads[workload.kind](workload as never);
  await line.ready();

  const cpuBefore = process.cpuUsage();
  const startedAtMs = Date.now();
  const untilMs = startedAtMs + seconds * 1_000;
  await Promise.all(
    Array.from({ length: callers }, (_, caller) =>
      call(clients[caller % count] as Client, work, book, untilMs),
    ),
  );
  const endedAtMs = Date.now();
  const cpu = process.cpuUsage(cpuBefore);
  await Promise.all(clients.map((client) => client.close()));
  const { accepted, codes, receipts } = book;
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  return { accepted, codes, startedAtMs, endedAtMs, cpuSeconds, receipts };
}

async function call(client: Client, work: Workload, book: ReceiptBook, untilMs: number) {
  while (Date.now() < untilMs) await work(client, book);
}
