/** `lastunit explain`: the lines that make up a number. */

import { type Command, Option } from 'commander';
import type { ExplainLine } from '../../audit/channel-view.ts';
import { type Explanation, explainSku } from '../../http/sku-story.ts';
import { name, timeBefore } from '../arguments.ts';
import type { Context } from '../context.ts';
import { refusedError, usageError } from '../exit.ts';
import { printJson, visible } from '../output.ts';
import { withSession } from '../session.ts';
import { showClock, showTime } from '../times.ts';

interface Given {
  readonly channel?: string;
  readonly at?: number;
  readonly json?: boolean;
}

const holdsShown = 10;

export function registerExplain(program: Command, context: () => Context): void {
  program
    .command('explain')
    .summary('why the number is what it is')
    .description(
      "Works out what is available from the SKU's history, line by line: on hand, holds, safety stock, what is " +
        'set aside, buffers, quotas, escrow; and what the reconciler has corrected.',
    )
    .argument('<sku>', 'the SKU, exactly as it is')
    .addOption(
      new Option('--channel <name>', 'what this channel may sell (default: everybody)').argParser(
        name,
      ),
    )
    .addOption(new Option('--at <time>', 'at an earlier time').argParser(timeBefore))
    .option('--json', 'print it as JSON')
    .action((sku: string, given: Given) => run(sku, given, context()));
}

async function run(sku: string, given: Given, context: Context): Promise<void> {
  const { config, output } = context;
  const { channel, at } = given;
  if (channel !== undefined && !config.rules.channels.has(channel)) {
    throw usageError(`there is no channel ${channel}`);
  }
  await withSession(context, async ({ read }) => {
    const found = await explainSku(read, sku, { config, channel, atMs: at });
    if (found === undefined) throw refusedError('unknown_sku', `${visible(sku)}: no events`);
    if (given.json === true) return printJson(output, found);
    for (const line of textOf(found, at)) output.line(line);
  });
}

function textOf(found: Explanation, at: number | undefined): string[] {
  const { sku, channel, available, lines, holds } = found;
  const when = at === undefined ? '' : ` at ${showTime(at)}`;
  const text = [
    `${visible(sku)}${when}: ${available} available${channel === null ? '' : ` to ${channel}`}`,
  ];
  for (const [index, line] of lines.entries()) text.push(lineText(line, index === 0));
  const total = `= ${available}`.padStart(12);
  text.push(`  ${total}  available${available === 0 ? ' (never below zero)' : ''}`);
  if (found.corrections > 0) {
    const { corrected, corrections } = found;
    const sign = corrected > 0 ? '+' : '';
    text.push(
      `  on hand includes ${sign}${corrected} of ${corrections} corrections by the reconciler`,
    );
  }
  for (const { channel: by, id, qty, expiresAtMs } of holds.slice(0, holdsShown)) {
    text.push(`  held: ${qty} by ${by} (${id}) until ${showClock(expiresAtMs)}`);
  }
  if (holds.length > holdsShown) text.push(`  … and ${holds.length - holdsShown} more holds`);
  if (found.incomplete)
    text.push('  incomplete: the kept history begins later (see lastunit audit)');
  for (const problem of found.problems.slice(0, holdsShown))
    text.push(`  CONTRADICTION: ${problem}`);
  return text;
}

function lineText(line: ExplainLine, first: boolean): string {
  const note = line.note === undefined || line.note === '' ? '' : ` (${line.note})`;
  if ('cap' in line) return `  ${`≤ ${line.cap}`.padStart(12)}  ${line.what}${note}`;
  const amount =
    line.delta < 0 || Object.is(line.delta, -0)
      ? `- ${-line.delta}`
      : `${first ? '' : '+ '}${line.delta}`;
  return `  ${amount.padStart(12)}  ${line.what}${note}`;
}
