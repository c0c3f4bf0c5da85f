/**
 * A fact of the facts' stream: something that already happened outside. Its source counts as the
 * channel; it cannot be refused for lack of stock. What cannot be read is refused here and goes to
 * the dead letters.
 *
 * Which source may report what is decided by the rules (`factSources` for those that are no channel);
 * who may publish as which source, by the server's permissions.
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
  return { ...build(fields, source, fingerprintOf(verb, fields)), fact: true } as SkuCommand;
}
