/** `lastunit erp export`: the movements that an ERP has to post, from the journal. */

import { type Command, Option } from 'commander';
import { createJournal } from '../../nats/journal.ts';
import type { JournalMeta } from '../../ports.ts';
import { csvRow, exportColumns, exportMovements } from '../../reconcile/movements-export.ts';
import { timeBefore } from '../arguments.ts';
import type { Context } from '../context.ts';
import { failure } from '../exit.ts';
import { printJson, showNumber } from '../output.ts';
import { withSession } from '../session.ts';

interface Given {
  readonly since: number;
  readonly json?: boolean;
}

export function registerErp(program: Command, context: () => Context): void {
  const erp = program
    .command('erp')
    .summary('what an ERP has to post')
    .description("The ERP's side: what it has to post.");
  erp
    .command('export')
    .description(
      'Prints every movement of stock that was recorded since a time, as CSV, with the document to post it under.',
    )
    .addOption(
      new Option('--since <time>', '2026-11-24T00:00:00Z, "1d ago"')
        .argParser(timeBefore)
        .makeOptionMandatory(),
    )
    .option('--json', 'one movement per line')
    .action((given: Given) => exportSince(given, context()));
}

async function exportSince({ since: sinceMs, json }: Given, context: Context): Promise<void> {
  const { output } = context;
  await withSession(context, async ({ api, names, read }) => {
    const meta = (await read.value(names.buckets.nodes, 'meta')) as JournalMeta | undefined;
    if (meta === undefined) throw failure('there is no journal yet: start a node first');
    if (json !== true) output.line(exportColumns.join(','));
    const range = { partitions: meta.partitions, sinceMs };
    const count = await exportMovements(createJournal(api, names), range, (movement) => {
      if (json === true) printJson(output, movement);
      else output.line(csvRow(movement));
    });
    output.note(`${showNumber(count)} movements`);
  });
}
