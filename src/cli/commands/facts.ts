/** `lastunit facts dead`, `facts retry`, `facts drop`: facts that could not be applied. */

import { type Command, InvalidArgumentError } from 'commander';
import { type DeadLetter, deadLetters, dropLetter, retryLetter } from '../../nats/dead-letters.ts';
import { positiveNumber } from '../arguments.ts';
import type { Context } from '../context.ts';
import { failure, usageError } from '../exit.ts';
import { printJson, tableLines } from '../output.ts';
import { withSession } from '../session.ts';
import { showTime } from '../times.ts';

interface Which {
  readonly all?: boolean;
  readonly source?: string;
}

export function registerFacts(program: Command, context: () => Context): void {
  const facts = program
    .command('facts')
    .summary('facts that could not be applied')
    .description('Lists facts that could not be applied, sends them again, or drops them.');
  facts
    .command('dead')
    .description('lists the dead letters, oldest first')
    .option('--json', 'one letter per line')
    .action((given: { json?: boolean }) => list(given.json === true, context()));
  const choosing = (command: Command) =>
    command
      .argument('[number...]', 'numbers of dead letters, as "facts dead" lists them', numbers)
      .option('--all', 'all of them')
      .option('--source <name>', 'all of this source');
  choosing(facts.command('retry'))
    .description('sends facts again, once the reason for their failure is gone')
    .action((seqs: readonly number[], which: Which) => retry(seqs, which, context()));
  choosing(facts.command('drop'))
    .description('removes dead letters for good')
    .action((seqs: readonly number[], which: Which) => drop(seqs, which, context()));
}

function numbers(text: string, before: readonly number[] = []): number[] {
  try {
    return [...before, positiveNumber(text)];
  } catch {
    throw new InvalidArgumentError('Give numbers as "facts dead" lists them.');
  }
}

async function list(json: boolean, context: Context): Promise<void> {
  const { output } = context;
  await withSession(context, async ({ api, names }) => {
    const letters = await deadLetters(api, names);
    if (json) {
      for (const letter of letters) printJson(output, letter);
      return;
    }
    if (letters.length === 0) return output.line('no dead letters');
    for (const line of tableLines(letters, [
      { title: 'number', value: (letter) => letter.seq, right: true },
      { title: 'time', value: (letter) => showTime(letter.buriedAtMs) },
      { title: 'source', value: (letter) => letter.source },
      { title: 'reason', value: (letter) => `${letter.code}: ${letter.message}` },
      { title: 'fact', value: (letter) => shortened(letter.payload) },
    ])) {
      output.line(line);
    }
  });
}

function shortened(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

async function retry(seqs: readonly number[], which: Which, context: Context): Promise<void> {
  await withSession(context, async ({ api, names }) => {
    const letters = chosen(await deadLetters(api, names), seqs, which);
    const lost = letters.filter(({ subject }) => subject === undefined);
    const whole = letters.filter(({ subject }) => subject !== undefined);
    for (const letter of whole) await retryLetter(api, names, letter);
    context.output.line(`${whole.length} sent again; what fails once more is listed again`);
    if (lost.length > 0) {
      const list = lost.map(({ seq }) => seq).join(', ');
      throw failure(`not known where these were published, so not sent: ${list}`);
    }
  });
}

async function drop(seqs: readonly number[], which: Which, context: Context): Promise<void> {
  await withSession(context, async ({ api, names }) => {
    const letters = chosen(await deadLetters(api, names), seqs, which);
    for (const { seq } of letters) await dropLetter(api, names, seq);
    context.output.line(`${letters.length} dropped`);
  });
}

function chosen(
  letters: readonly DeadLetter[],
  seqs: readonly number[],
  { all, source }: Which,
): readonly DeadLetter[] {
  if (all === true) return letters;
  if (source !== undefined) return letters.filter((letter) => letter.source === source);
  if (seqs.length === 0) throw usageError('which? Give numbers, --source or --all');
  return seqs.map((seq) => {
    const letter = letters.find((one) => one.seq === seq);
    if (letter === undefined) throw failure(`there is no dead letter ${seq}`);
    return letter;
  });
}
