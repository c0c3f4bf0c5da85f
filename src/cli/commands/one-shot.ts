/**
 * One command of the contract from the shell: `lastunit reserve MUG-0001 --qty 2`. The SKU is the argument, every
 * other field of the request an option of the same name. The reply is what the system said, as a sentence or JSON.
 */

import { type Command, Option } from 'commander';
import { type Client, DeadlineExceededError } from '../../client/index.ts';
import type { LastunitConfig } from '../../config/config.ts';
import type { Verb } from '../../contract/verbs.ts';
import { PortError } from '../../ports.ts';
import { name, id as readId, timeBefore } from '../arguments.ts';
import type { Context } from '../context.ts';
import { refusedError, usageError } from '../exit.ts';
import { printJson } from '../output.ts';
import { withClient } from '../session.ts';
import { parseDuration } from '../times.ts';
import { type Reply, replyLines } from './one-shot-reply.ts';
import { fieldNames, type OneShot, oneShots } from './one-shot-verbs.ts';

/** What commander read; the request's fields are among it under their own names. */
type Given = Record<string, unknown> & {
  readonly channel?: string;
  readonly id?: string;
  readonly timeout: number;
  readonly json?: boolean;
};

const notFields: ReadonlySet<string> = new Set(['channel', 'timeout', 'json']);

/** Registers one command per verb. */
export function registerOneShots(program: Command, context: () => Context): void {
  for (const shot of oneShots) register(program, shot, context);
}

function register(program: Command, shot: OneShot, context: () => Context): void {
  const { verb } = shot;
  const command = program
    .command(verb)
    .summary(shot.summary)
    .description(shot.description)
    .argument(shot.carts ? '[sku...]' : '<sku>', shot.skuHelp ?? 'the SKU, exactly as it is');
  for (const option of shot.options) command.addOption(option());
  command.addOption(
    new Option('--channel <name>', `who asks (default: ${shot.channel})`).argParser(name),
  );
  if (verb !== 'get') {
    command.addOption(
      new Option(
        '--id <id>',
        "the command's id: the same id again never has a second effect",
      ).argParser(readId),
    );
    command.addOption(
      new Option('--issued-at <time>', 'when the command was made').argParser(timeBefore),
    );
  }
  command
    .addOption(
      new Option('--timeout <duration>', 'how long to go on trying')
        .argParser(parseDuration)
        .default(5_000, '5s'),
    )
    .option('--json', 'print the reply as it came')
    .action(async (skus: string | string[], given: Given) => {
      await run(shot, [skus].flat(), given, context());
    });
}

async function run(
  shot: OneShot,
  skus: readonly string[],
  given: Given,
  context: Context,
): Promise<void> {
  const channel = given.channel ?? channelFor(shot, context.config);
  const request = requestOf(shot, skus, given);
  const reply = await withClient(context, { channel, deadlineMs: given.timeout }, (client) =>
    sent(client, shot.verb, request),
  );
  if (given.json === true) printJson(context.output, reply);
  if (!reply.ok) throw refusedError(reply.error.code, reply.error.message);
  if (given.json === true) return;
  for (const line of replyLines(shot.verb, channel, reply, Date.now())) context.output.line(line);
}

/** The default channel, or the first of the configuration that may use the verb. */
function channelFor(shot: OneShot, config: LastunitConfig): string {
  const { channels } = config.rules;
  if (channels.get(shot.channel)?.verbs.has(shot.verb) === true) return shot.channel;
  const other = [...channels.values()].find((channel) => channel.verbs.has(shot.verb));
  return other?.name ?? shot.channel;
}

function requestOf(shot: OneShot, skus: readonly string[], given: Given): object {
  const fields: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(given)) {
    if (notFields.has(option) || value === undefined) continue;
    fields[fieldNames[option] ?? option] = value;
  }
  if (shot.carts && fields.lines !== undefined) {
    if (skus.length > 0) throw usageError('give a SKU or --line, not both');
    delete fields.qty;
  } else if (skus.length === 1) {
    fields.sku = skus[0];
  } else if (skus.length > 1) {
    if (shot.verb === 'reserve')
      throw usageError('reserve several SKUs as a cart, with --line SKU=QTY');
    fields.skus = skus;
  } else if (shot.verb === 'reserve') {
    throw usageError('give a SKU, or --line SKU=QTY once or several times');
  }
  return shot.complete === undefined ? fields : shot.complete(fields);
}

async function sent(client: Client, verb: Verb, request: object): Promise<Reply> {
  try {
    // The request was read from text: whether it has the verb's shape is for the system to say.
    const send = client[verb] as (request: object) => Promise<Reply>;
    return await send.call(client, request);
  } catch (error) {
    throw error instanceof DeadlineExceededError ? unanswered(error) : error;
  }
}

/** Nobody answered in time: NATS away is another ending than no node. */
function unanswered(error: DeadlineExceededError): unknown {
  const { cause } = error;
  if (cause instanceof PortError && cause.code === 'disconnected') return cause;
  const again = error.id === undefined ? '' : ` Repeat it with --id ${error.id}.`;
  const why =
    cause instanceof PortError && cause.code === 'no_responders'
      ? 'no node answers: start one with `lastunit up` or `lastunit node`.'
      : `${error.message}.`;
  return refusedError('unavailable', why + again);
}
