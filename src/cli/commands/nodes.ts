/** `lastunit nodes`: who lives, what it serves, and how it is doing. */

import type { Command } from 'commander';
import type { NodeRecord } from '../../ports.ts';
import type { NodeStatus } from '../../runtime/node.ts';
import type { Context } from '../context.ts';
import { printJson, tableLines } from '../output.ts';
import { type Session, withSession } from '../session.ts';
import { showDuration } from '../times.ts';

interface Living {
  readonly record: NodeRecord;
  /** Undefined: it did not answer. */
  readonly status: NodeStatus | undefined;
}

const answerTimeoutMs = 1_000;

export function registerNodes(program: Command, context: () => Context): void {
  program
    .command('nodes')
    .summary('living nodes, their partitions, lag')
    .description(
      'Lists the living nodes, what each serves, and what a take-over would have to replay.',
    )
    .option('--json', 'one node per line')
    .action((given: { json?: boolean }) => run(given.json === true, context()));
}

async function run(json: boolean, context: Context): Promise<void> {
  const { output } = context;
  await withSession(context, async (session) => {
    const records = await session.read.nodes();
    const living = await Promise.all(records.map((record) => ask(session, record)));
    living.sort((a, b) => (a.record.name < b.record.name ? -1 : 1));
    if (json) {
      for (const { record, status } of living)
        printJson(output, { ...record, status: status ?? null });
      return;
    }
    if (living.length === 0) return output.line('no living node');
    for (const line of tableLines(living, columns(Date.now()))) output.line(line);
    const served = new Set(records.flatMap(({ partitions }) => partitions));
    const missing = context.config.partitions - served.size;
    if (missing > 0)
      output.note(`${missing} of ${context.config.partitions} partitions are served by nobody`);
    for (const line of troubles(living)) output.note(line);
  });
}

async function ask({ api, names }: Session, record: NodeRecord): Promise<Living> {
  const subject = names.subjects.node(record.name, 'status');
  try {
    const reply = await api.mux.request(subject, '', { timeoutMs: answerTimeoutMs });
    return { record, status: JSON.parse(reply.text()) as NodeStatus };
  } catch {
    return { record, status: undefined };
  }
}

function columns(nowMs: number) {
  const sum = (living: Living, value: (p: NodeStatus['partitions'][number]) => number) =>
    living.status?.partitions.reduce((total, partition) => total + value(partition), 0) ?? '-';
  return [
    { title: 'node', value: ({ record }: Living) => record.name },
    { title: 'state', value: stateOf },
    { title: 'partitions', value: ({ record }: Living) => ranges(record.partitions) || '-' },
    { title: 'up', value: ({ record }: Living) => showDuration(nowMs - record.startedAtMs) },
    { title: 'waiting', value: (living: Living) => sum(living, (p) => p.mailbox), right: true },
    {
      title: 'since checkpoint',
      value: ({ status }: Living) =>
        status ? Math.max(0, ...status.partitions.map((p) => p.behindCheckpoint)) : '-',
      right: true,
    },
    { title: 'actors', value: ({ status }: Living) => status?.residents ?? '-', right: true },
    {
      title: 'clock',
      value: ({ status }: Living) => (status ? `${status.clockOffsetMs}ms` : '-'),
      right: true,
    },
    { title: 'console', value: ({ record }: Living) => record.httpUrl ?? '-' },
  ];
}

function stateOf({ record, status }: Living): string {
  if (record.leaving === true) return 'leaving';
  if (status === undefined) return 'silent';
  return status.ready ? 'serving' : 'taking over';
}

function troubles(living: readonly Living[]): string[] {
  return living.flatMap(({ record, status }) =>
    (status?.partitions ?? [])
      .filter(({ trouble }) => trouble !== undefined)
      .map(({ partition, trouble }) => `${record.name}: partition ${partition}: ${trouble}`),
  );
}

/** `0-3, 7`. */
export function ranges(numbers: readonly number[]): string {
  const parts: string[] = [];
  const sorted = [...numbers].sort((a, b) => a - b);
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (sorted[end + 1] === (sorted[end] as number) + 1) end += 1;
    parts.push(at === end ? `${sorted[at]}` : `${sorted[at]}-${sorted[end]}`);
    at = end + 1;
  }
  return parts.join(', ');
}
