/**
 * Every answer that any client ever got, against the journal: an acceptance is there, was stored
 * between question and answer, and says what the rules say; a refusal, a repetition and a strong read
 * were true at some moment between question and answer. With the journal as the order of all
 * effects that is linearizability of each SKU, without a search.
 */

import { livesOf } from '../lives.ts';
import { admit } from '../model/rules.ts';
import { Stock } from '../model/stock.ts';
import type { Life } from '../model/walk.ts';
import type { Attempt, Intent, RunRecord } from '../run-record.ts';

/** By how much a node's corrected clock may be off, generously: only expiry times depend on it. */
const clockMs = 5_000;

const nothing: Life = {
  moments: [
    {
      stock: new Stock(),
      version: 0,
      fromMs: Number.NEGATIVE_INFINITY,
      untilMs: Number.POSITIVE_INFINITY,
      event: undefined,
    },
  ],
  wrong: [],
};

type Reply = Readonly<Record<string, unknown>>;

export function checkAnswers(run: RunRecord): readonly string[] {
  const { bySku } = livesOf(run);
  const wrong: string[] = [];
  for (const intent of run.intents) {
    if (intent.kind === 'cart') continue;
    const life = bySku.get(String(intent.payload.sku)) ?? nothing;
    for (const attempt of intent.attempts) {
      const { reply } = attempt;
      if (!reply) continue;
      const why = checkReply(run, intent, attempt, reply, life);
      if (why) {
        wrong.push(
          `${intent.channel} ${intent.verb} ${JSON.stringify(intent.payload)} asked at ${attempt.sentMs.toFixed(3)}, answered at ${attempt.answeredMs?.toFixed(3)} ${JSON.stringify(reply)}: ${why}`,
        );
      }
      if (wrong.length > 5) return wrong;
    }
  }
  return wrong;
}

function checkReply(
  run: RunRecord,
  intent: Intent,
  attempt: Attempt,
  reply: Reply,
  life: Life,
): string | undefined {
  const error = reply.error as { code: string; retry: boolean } | undefined;
  if (reply.ok === false && error?.retry === true) return undefined;
  if (intent.kind === 'bad') {
    const { expected } = intent.payload;
    return error?.code === expected ? undefined : `expected ${expected}`;
  }
  if (reply.ok === true && reply.replayed !== true && intent.verb !== 'get') {
    return checkEffect(run, intent, attempt, reply, life);
  }
  let why: string | undefined;
  const answeredMs = attempt.answeredMs as number;
  const window = { fromMs: attempt.sentMs - clockMs, toMs: answeredMs + clockMs };
  for (const moment of life.moments) {
    if (moment.untilMs < attempt.sentMs || moment.fromMs > answeredMs) continue;
    // Only a release that finds nothing leaves something behind.
    const stock = intent.verb === 'release' ? moment.stock.copy() : moment.stock;
    const judged = admit(stock, intent, reply, window, run.terms);
    if (judged === undefined) return undefined;
    why = judged;
  }
  return `true at no moment in between; at the last: ${why}`;
}

/** The acceptance has its event, in time, and the state before it allows just this reply. */
function checkEffect(
  run: RunRecord,
  intent: Intent,
  attempt: Attempt,
  reply: Reply,
  life: Life,
): string | undefined {
  const index = life.moments.findIndex(
    ({ event, version }) =>
      event?.channel === intent.channel &&
      event.command === intent.payload.id &&
      version === reply.version,
  );
  const moment = life.moments[index];
  const before = life.moments[index - 1];
  if (!moment?.event || !before) return 'accepted, and the journal knows nothing of it';
  const { fromMs } = moment;
  if (fromMs < attempt.sentMs || fromMs > (attempt.answeredMs as number)) {
    return `its event was stored at ${fromMs.toFixed(3)}`;
  }
  const { atMs } = moment.event;
  return admit(before.stock.copy(), intent, reply, { fromMs: atMs, toMs: atMs }, run.terms);
}
