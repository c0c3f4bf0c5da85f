/**
 * A fact of the facts' stream: something that already happened outside. Its source counts as the
 * channel; it cannot be refused for lack of stock. What cannot be read is refused here and goes to
 * the dead letters.
 *
 * Any source may publish the verbs for facts: the server's permissions say who may publish where.
 */

import type { SkuCommand } from '../domain/commands.ts';
import { fingerprintOf } from '../domain/fingerprint.ts';
import { skuOf } from '../domain/names.ts';
import type { Refusal } from '../domain/outcome.ts';
import { builders } from './build-command.ts';
import { overLimit, overRareLimit } from './check-limits.ts';
import { invalidRequest } from './codes.ts';
import { explain } from './explain.ts';
import { namePattern } from './fields.ts';
import { type JsonObject, parseJson } from './json-input.ts';
import { idOf, type ParseSettings, type Rejected } from './parse-command.ts';
import type { FactAddress } from './subjects.ts';
import { requestValidator } from './validators.ts';
import { type FactVerb, isFactVerb } from './verbs.ts';

export type ParsedFact = { readonly ok: true; readonly command: SkuCommand } | Rejected;

const validSource = new RegExp(namePattern, 'u');

/** Never throws; see `parseCommand`. */
export function parseFact(
  address: FactAddress,
  payload: Uint8Array | string,
  settings: ParseSettings,
): ParsedFact {
  const { limits } = settings;
  const input = parseJson(payload, limits.requestBytesMax);
  if (!input.ok) return { ok: false, id: null, refusal: input.refusal };
  const { value } = input;
  const refuse = (refusal: Refusal): Rejected => ({ ok: false, id: idOf(value), refusal });
  const { source, verb, skuKey } = address;
  if (!validSource.test(source)) return refuse(invalidRequest('source', 'is not a source'));
  if (!isFactVerb(verb)) return refuse(invalidRequest('verb', 'is not a verb of facts'));
  const validator = requestValidator(verb);
  if (!validator.Check(value)) return refuse(explain(validator, value));
  const request = value as JsonObject;
  if (request.sku !== skuOf(skuKey)) {
    return refuse(invalidRequest('sku', 'is not the one that the subject names'));
  }
  if (verb === 'transfer' && request.from === request.to) {
    return refuse(invalidRequest('to', 'is the same place as from'));
  }
  const over = overLimit(request, limits, undefined) ?? overRareLimit(request, limits);
  if (over !== undefined) return refuse(over);
  return { ok: true, command: factCommand(verb, source, request) };
}

/** A fact waits in its stream as long as it must, so `issuedAtMs` does not age it. */
function factCommand(verb: FactVerb, source: string, request: JsonObject): SkuCommand {
  const build = builders[verb] as (r: unknown, channel: string, fingerprint: number) => SkuCommand;
  const { issuedAtMs: _, ...fields } = request;
  const command = build(fields, source, fingerprintOf(verb, fields));
  switch (verb) {
    case 'sell':
    case 'restock':
    case 'adjust':
    case 'transfer':
      return { ...command, fact: true } as SkuCommand;
    case 'receive':
    case 'count':
      return command;
  }
}
