/** `lastunit stock`: what the read models say, now or as it changes. */

import { type Command, Option } from 'commander';
import { viewChannels } from '../../http/backend.ts';
import type { ReadModels, StockRow, ViewRow } from '../../nats/read-models.ts';
import { name, positiveNumber } from '../arguments.ts';
import type { Context } from '../context.ts';
import { refusedError, usageError } from '../exit.ts';
import { type Output, printJson, tableLines, visible } from '../output.ts';
import { withSession } from '../session.ts';
import { showClock } from '../times.ts';

interface Given {
  readonly channel?: string;
  readonly watch?: boolean;
  readonly limit: number;
  readonly json?: boolean;
}

export function registerStock(program: Command, context: () => Context): void {
  program
    .command('stock')
    .summary('what is there, and what each channel may sell')
    .description('Shows the read models of one SKU; without one, of the first SKUs by name.')
    .argument('[sku]', 'the SKU, exactly as it is')
    .addOption(new Option('--channel <name>', "only this channel's view").argParser(name))
    .option('--watch', 'go on, with a line for every change, until Ctrl-C')
    .addOption(
      new Option('--limit <n>', 'how many SKUs, without one').argParser(positiveNumber).default(50),
    )
    .option('--json', 'one JSON object per line, as in the buckets')
    .action((sku: string | undefined, given: Given) => run(sku, given, context()));
}

async function run(sku: string | undefined, given: Given, context: Context): Promise<void> {
  const channels = viewChannels(context.config);
  if (given.channel !== undefined && !channels.includes(given.channel)) {
    throw usageError(`${given.channel} has no view; these have: ${channels.join(', ')}`);
  }
  await withSession(context, async ({ read }) => {
    if (given.watch === true) await watch(read, sku, given, channels, context.output);
    else if (sku === undefined) await list(read, given, context.output);
    else await show(read, sku, given, channels, context.output);
  });
}

async function show(
  read: ReadModels,
  sku: string,
  given: Given,
  channels: readonly string[],
  output: Output,
): Promise<void> {
  if (given.channel !== undefined) {
    const row = await read.view(given.channel, sku);
    if (row === undefined) throw refusedError('unknown_sku', `${visible(sku)}: never seen`);
    if (given.json === true) printJson(output, row);
    else output.line(viewLine(given.channel, row));
    return;
  }
  const row = await read.stock(sku);
  if (row === undefined) throw refusedError('unknown_sku', `${visible(sku)}: never seen`);
  if (given.json === true) return printJson(output, row);
  const views = await Promise.all(channels.map((channel) => read.view(channel, sku)));
  output.line(
    `${visible(sku)}: ${row.onHand} on hand, ${row.reserved} reserved in ${row.reservations} holds, ${row.available} available`,
  );
  const places = Object.entries(row.locations).map(([place, at]) => ({ place, ...at }));
  const table = [
    ...tableLines(places, [
      { title: 'location', value: (at) => at.place },
      { title: 'on hand', value: (at) => at.onHand, right: true },
      { title: 'reserved', value: (at) => at.reserved, right: true },
    ]),
    '',
    ...tableLines(
      channels.map((channel, at) => ({ channel, view: views[at] })),
      [
        { title: 'channel', value: ({ channel }) => channel },
        { title: 'available', value: ({ view }) => view?.available ?? '-', right: true },
        { title: 'status', value: ({ view }) => view?.status ?? '-' },
      ],
    ),
  ];
  for (const line of table) output.line(line === '' ? '' : `  ${line}`);
}

async function list(read: ReadModels, given: Given, output: Output): Promise<void> {
  const { skus, total } = await read.skus(Math.max(given.limit, 10_000));
  const page = skus.sort().slice(0, given.limit);
  const { channel } = given;
  const rows = await Promise.all(
    page.map((sku) => (channel === undefined ? read.stock(sku) : read.view(channel, sku))),
  );
  const found = rows.filter((row) => row !== undefined);
  if (given.json === true) {
    for (const row of found) printJson(output, row);
    return;
  }
  if (total === 0)
    return output.line('no stock yet: `lastunit import` or `lastunit receive` brings some');
  const lines =
    channel === undefined
      ? tableLines(found as StockRow[], [
          { title: 'sku', value: (row) => row.sku },
          { title: 'on hand', value: (row) => row.onHand, right: true },
          { title: 'reserved', value: (row) => row.reserved, right: true },
          { title: 'available', value: (row) => row.available, right: true },
        ])
      : tableLines(found as ViewRow[], [
          { title: 'sku', value: (row) => row.sku },
          { title: 'available', value: (row) => row.available, right: true },
          { title: 'status', value: (row) => row.status },
        ]);
  for (const line of lines) output.line(line);
  if (total > page.length) output.note(`${page.length} of ${total} SKUs (--limit shows more)`);
}

/** Never resolves by itself: Ctrl-C ends it. */
async function watch(
  read: ReadModels,
  sku: string | undefined,
  given: Given,
  channels: readonly string[],
  output: Output,
): Promise<void> {
  if (sku !== undefined)
    await show(read, sku, given, channels, output).catch(ignoreUnknown(output));
  const watched = given.channel === undefined ? channels : [given.channel];
  const subscription = read.onChange(
    { channels: watched, ...(sku === undefined ? {} : { sku }) },
    (change) => {
      if (given.channel !== undefined && change.channel === undefined) return;
      if (given.json === true) {
        const { channel } = change;
        const row = change.row ?? { sku: change.sku, deleted: true };
        return printJson(output, channel === undefined ? row : { channel, ...row });
      }
      if (change.row === undefined) output.line(`${visible(change.sku)}: deleted`);
      else if (change.channel === undefined) output.line(stockLine(change.row));
      else output.line(viewLine(change.channel, change.row));
    },
  );
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  subscription.unsubscribe();
}

function ignoreUnknown(output: Output) {
  return (error: Error) => {
    if (!error.message.startsWith('unknown_sku')) throw error;
    output.note('nothing yet; waiting for it');
  };
}

function stockLine(row: StockRow): string {
  return `${showClock(row.updatedAtMs)}  ${visible(row.sku)}: ${row.onHand} on hand, ${row.reserved} reserved, ${row.available} available`;
}

function viewLine(channel: string, row: ViewRow): string {
  return `${showClock(row.updatedAtMs)}  ${visible(row.sku)}: ${row.available} available to ${channel} (${row.status})`;
}
