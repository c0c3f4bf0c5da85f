/** `lastunit import`: stock from a CSV file, as goods in or as a count. */

import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { name } from '../arguments.ts';
import type { Context } from '../context.ts';
import { failure } from '../exit.ts';
import { type Imported, importFile } from '../import/import-file.ts';
import type { ImportVerb } from '../import/record.ts';
import { type Output, printJson, progressBar, showNumber } from '../output.ts';
import { withClient, withSession } from '../session.ts';
import { showDuration, showTime } from '../times.ts';

interface Given {
  readonly as: ImportVerb;
  readonly channel: string;
  readonly again?: boolean;
  readonly json?: boolean;
}

const fileBytesMax = 268_435_456;
const badRowsShown = 100;
/** A row may wait for all the others of its chunk. */
const deadlineMs = 60_000;

export function registerImport(program: Command, context: () => Context): void {
  program
    .command('import')
    .summary('stock from a CSV file')
    .description(
      'Reads rows "sku,qty[,location]" and applies them. Bad rows are listed, good ones applied. ' +
        'The same file is applied once: its content names the commands, and how far it came is remembered.',
    )
    .argument('<file.csv>', 'UTF-8, comma-separated, with or without a heading')
    .addOption(
      new Option('--as <verb>', 'receive = goods in, count = what is there')
        .choices(['receive', 'count'])
        .makeOptionMandatory(),
    )
    .addOption(new Option('--channel <name>', 'who says so').argParser(name).default('wms'))
    .option('--again', 'apply it again although it has been imported before')
    .option('--json', 'print the result as JSON')
    .action((file: string, given: Given) => run(file, given, context()));
}

async function run(file: string, given: Given, context: Context): Promise<void> {
  const { output } = context;
  const content = readFile(file);
  const startedMs = performance.now();
  let shownAt = 0;
  const imported = await withClient(context, { channel: given.channel, deadlineMs }, (client) =>
    withSession(context, (session) =>
      importFile({
        content,
        file: basename(file),
        as: given.as,
        channel: given.channel,
        ...(given.again === true ? { again: randomUUID() } : {}),
        client,
        session,
        progress(done, rows) {
          const now = performance.now();
          if (now - shownAt < 100 && done < rows) return;
          shownAt = now;
          output.progress(
            `${progressBar(done / rows)}  ${showNumber(done)} of ${showNumber(rows)}`,
          );
        },
      }),
    ),
  );
  tell(imported, given, output, performance.now() - startedMs);
}

function tell(imported: Imported, given: Given, output: Output, tookMs: number): void {
  const { applied, before, bad, rows, finishedBeforeMs } = imported;
  if (given.json === true) {
    printJson(output, { rows, applied, before, bad, finishedBeforeMs, tookMs: Math.round(tookMs) });
  } else if (finishedBeforeMs !== undefined) {
    output.line(
      `nothing to do: this file was imported at ${showTime(finishedBeforeMs)} (--again applies it again)`,
    );
  } else {
    const earlier = before > 0 ? `, ${showNumber(before)} had been before` : '';
    const pace = `${showDuration(tookMs)}, ${showNumber(Math.round((applied * 1_000) / tookMs))} rows/s`;
    output.line(`${showNumber(applied)} of ${showNumber(rows)} rows applied${earlier} (${pace})`);
  }
  if (bad.length === 0) return;
  const lines = bad.slice(0, badRowsShown).map(({ line, why }) => `  line ${line}: ${why}`);
  const more = bad.length - lines.length;
  if (more > 0) lines.push(`  … and ${showNumber(more)} more`);
  throw failure(`${showNumber(bad.length)} rows could not be used:`, lines);
}

function readFile(path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size > fileBytesMax) throw failure(`${path} is larger than 256 MiB: split it`);
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw failure(`${path} cannot be read (${code})`);
  }
}
