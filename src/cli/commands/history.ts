/** `lastunit history`: the events of one SKU, or its stock at an earlier time. */

import { type Command, Option } from 'commander';
import { explainSku, historyOf } from '../../http/sku-story.ts';
import type { HistoryEvent } from '../../nats/read-models.ts';
import { positiveNumber, timeBefore } from '../arguments.ts';
import type { Context } from '../context.ts';
import { refusedError } from '../exit.ts';
import { printJson, tableLines, visible } from '../output.ts';
import { withSession } from '../session.ts';
import { showTime } from '../times.ts';

interface Given {
  readonly at?: number;
  readonly limit: number;
  readonly json?: boolean;
}

export function registerHistory(program: Command, context: () => Context): void {
  program
    .command('history')
    .summary('what has happened to a SKU')
    .description("Lists the SKU's events; with --at, tells its stock at that time.")
    .argument('<sku>', 'the SKU, exactly as it is')
    .addOption(
      new Option(
        '--at <time>',
        'its stock at that time: 2026-11-24T10:30:00Z, "10m ago"',
      ).argParser(timeBefore),
    )
    .addOption(
      new Option('--limit <n>', 'at most so many events, the latest')
        .argParser(positiveNumber)
        .default(1_000),
    )
    .option('--json', 'one event per line, as published; with --at one object')
    .action((sku: string, given: Given) => run(sku, given, context()));
}

async function run(sku: string, given: Given, context: Context): Promise<void> {
  const { output, config } = context;
  await withSession(context, async ({ read }) => {
    if (given.at !== undefined) {
      const found = await explainSku(read, sku, { config, atMs: given.at });
      if (found === undefined) {
        throw refusedError('unknown_sku', `${visible(sku)}: nothing before ${showTime(given.at)}`);
      }
      const { version, onHand, reserved, available, atMs } = found;
      if (given.json === true) {
        return printJson(output, { sku, atMs: given.at, version, onHand, reserved, available });
      }
      output.line(
        `${visible(sku)} at ${showTime(given.at)}: ${onHand} on hand, ${reserved} reserved, ` +
          `${available} available (version ${version}, of ${showTime(atMs)})`,
      );
      return;
    }
    const history = await historyOf(read, sku, given.limit);
    if (history === undefined) throw refusedError('unknown_sku', `${visible(sku)}: no events`);
    if (given.json === true) {
      for (const event of history.events) printJson(output, { sku, ...event });
      return;
    }
    for (const line of eventLines(history.events)) output.line(line);
    const { events, total } = history;
    if (total > events.length) output.note(`the latest ${events.length} of ${total} events`);
  });
}

function eventLines(events: readonly HistoryEvent[]): string[] {
  return tableLines(events, [
    { title: 'version', value: (event) => event.version, right: true },
    { title: 'time', value: (event) => showTime(event.atMs) },
    { title: 'event', value: (event) => event.type },
    { title: 'channel', value: (event) => event.channel },
    { title: 'change', value: changeOf, right: true },
    { title: 'on hand', value: (event) => event.onHand, right: true },
    { title: 'reserved', value: (event) => event.reserved, right: true },
    { title: 'available', value: (event) => event.available, right: true },
    { title: 'id', value: (event) => String(event.reservation ?? event.command) },
  ]);
}

function changeOf(event: HistoryEvent): string {
  const units = event.delta ?? event.qty;
  return units === undefined ? '' : String(units);
}
