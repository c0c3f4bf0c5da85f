/**
 * Facts: published into the facts' stream, for producers that cannot wait for a decision. The
 * acknowledgement is the promise that it will be applied exactly once and in order.
 *
 * 1. Repeated with the same message id, so the stream keeps one of them; after the stream's
 *    duplicate window, applying it a second time is prevented by the command's id.
 * 2. A fact that can never be applied would only be found among the dead letters: what is wrong
 *    with it here is a programming error, and thrown.
 */

import { explain } from '../contract/explain.ts';
import { createNames, factMessageId } from '../contract/subjects.ts';
import { requestValidator } from '../contract/validators.ts';
import { isFactVerb } from '../contract/verbs.ts';
import { skuKeyOf } from '../domain/names.ts';
import { plainPayload } from './encode.ts';
import type { SendSettings } from './options.ts';
import { repeatUntil, type Surroundings } from './plain.ts';

export interface FactStored {
  readonly id: string;
  /** Sequence in the facts' stream. */
  readonly seq: number;
  /** An earlier attempt had been stored already. */
  readonly duplicate: boolean;
}

/** Publishes into a stream: `again` for what may or may not be stored. Implemented on JetStream. */
export type FactPublisher = (message: {
  readonly stream: string;
  readonly subject: string;
  readonly payload: string;
  readonly messageId: string;
  readonly timeoutMs: number;
}) => Promise<{ readonly seq: number; readonly duplicate: boolean } | { readonly again: Error }>;

export interface OutgoingFact {
  readonly verb: string;
  readonly id: string;
  readonly request: { readonly sku: string };
  readonly deadlineMs: number | undefined;
}

/** Resolves once the fact is stored; rejects with `DeadlineExceededError` or a `TypeError`. */
export async function publishFact(
  fact: OutgoingFact,
  settings: SendSettings,
  world: Surroundings,
  publish: FactPublisher,
): Promise<FactStored> {
  const { verb, id, request } = fact;
  checkFact(fact);
  const { subjects, streams } = createNames(settings.prefix);
  const skuKey = skuKeyOf(request.sku);
  const message = {
    stream: streams.facts,
    subject: subjects.fact(settings.channel, verb, skuKey),
    payload: plainPayload(id, request),
    messageId: factMessageId(settings.channel, skuKey, id),
  };
  const { attemptTimeoutMs } = settings;
  const deadlineAtMs = world.clock.now() + (fact.deadlineMs ?? settings.deadlineMs);
  return repeatUntil({ id, deadlineAtMs, attemptTimeoutMs }, world, async (timeoutMs) => {
    const result = await publish({ ...message, timeoutMs });
    return 'again' in result ? result : { done: { id, ...result } };
  });
}

function checkFact({ verb, id, request }: OutgoingFact): void {
  if (!isFactVerb(verb)) throw new TypeError(`${verb} is not a verb of facts`);
  const validator = requestValidator(verb);
  const value = JSON.parse(plainPayload(id, request));
  if (!validator.Check(value)) throw new TypeError(explain(validator, value).message);
}
