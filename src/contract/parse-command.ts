/**
 * From what a channel sent to a command of the domain, or to a refusal. The subject has named
 * channel and verb; permissions on the server guarantee that the channel is who it says.
 *
 * 1. Never throws, whatever comes in, and does no work beyond `requestBytesMax`.
 * 2. Order: readable → known channel → known verb → allowed verb → shape → limits. So a channel
 *    learns nothing about what it may not use.
 * 3. The fast path is one compiled check; only when it fails is the faulty field looked for.
 */

import type { SkuCommand } from '../domain/commands.ts';
import { fingerprintOf } from '../domain/fingerprint.ts';
import type { Refusal } from '../domain/outcome.ts';
import type { ChannelRules, Rules } from '../domain/rules.ts';
import { buildCart, type CartRequest } from './build-cart.ts';
import { builders } from './build-command.ts';
import type { CartCommand } from './cart.ts';
import { overLimit, overRareLimit } from './check-limits.ts';
import { forbidden, invalidRequest, limitExceeded } from './codes.ts';
import { explain } from './explain.ts';
import { idPattern } from './fields.ts';
import { isJsonObject, type JsonObject, parseJson } from './json-input.ts';
import type { RequestLimits } from './limits.ts';
import { type AnyValidator, cartValidator, requestValidator } from './validators.ts';
import { type CartVerb, isVerb, type Verb } from './verbs.ts';

/** What parsing depends on; a `LastunitConfig` is one. */
export interface ParseSettings {
  readonly rules: Rules;
  readonly limits: RequestLimits;
  readonly partitions: number;
}

/** `id` is null where none could be read. */
export interface Rejected {
  readonly ok: false;
  readonly id: string | null;
  readonly refusal: Refusal;
}

export type ParsedSku = { readonly ok: true; readonly kind: 'sku'; readonly command: SkuCommand };
export type ParsedCart = {
  readonly ok: true;
  readonly kind: 'cart';
  readonly command: CartCommand;
};
export type Parsed = ParsedSku | ParsedCart | Rejected;

/** A request on `inv.cmd.<channel>.<verb>`. */
export function parseCommand(
  verb: string,
  channel: string,
  payload: Uint8Array | string,
  settings: ParseSettings,
): Parsed {
  const input = parseJson(payload, settings.limits.requestBytesMax);
  if (!input.ok) return { ok: false, id: null, refusal: input.refusal };
  const { value } = input;
  const rules = settings.rules.channels.get(channel);
  const refusal = mayUse(rules, channel, verb);
  if (refusal !== undefined) return { ok: false, id: idOf(value), refusal };
  const permitted = verb as Verb;
  if (isJsonObject(value) && concernsCart(permitted, value)) {
    return parseCart(permitted as CartVerb, rules!, value, settings);
  }
  const validator = requestValidator(permitted);
  if (!validator.Check(value)) return rejected(value, explainSku(permitted, validator, value));
  return checkedCommand(permitted, rules!, value as JsonObject, settings);
}

/** Why a channel may not use a verb; undefined: it may, and `rules` and `verb` are known. */
export function mayUse(
  rules: ChannelRules | undefined,
  channel: string,
  verb: unknown,
): Refusal | undefined {
  if (rules === undefined) return forbidden(`unknown channel ${channel.slice(0, 32)}`);
  if (!isVerb(verb)) return invalidRequest('verb', 'is not a verb');
  if (!rules.verbs.has(verb)) return forbidden(`${channel} may not ${verb}`);
  return undefined;
}

/**
 * The command of a request whose shape has been checked; its limits have not. `request` must have
 * passed the validator of `verb`; an element's `verb` field plays no part.
 */
export function checkedCommand(
  verb: Verb,
  rules: ChannelRules,
  request: JsonObject,
  settings: ParseSettings,
): ParsedSku | Rejected {
  const { limits } = settings;
  const holder = holderOf(rules, request, settings);
  const refusal =
    overLimit(request, limits, holder) ??
    (isRare[verb]
      ? (overRareLimit(request, limits) ?? meaningless(verb, request, settings))
      : undefined);
  if (refusal !== undefined) return rejected(request, refusal);
  const build = builders[verb] as (r: unknown, channel: string, fingerprint: number) => SkuCommand;
  const fingerprint = verb === 'get' ? 0 : fingerprintOf(verb, request);
  return { ok: true, kind: 'sku', command: build(request, rules.name, fingerprint) };
}

/** The id of a request that was refused, if it has a valid one. */
export function idOf(value: unknown): string | null {
  if (!isJsonObject(value)) return null;
  const { id } = value;
  return typeof id === 'string' && validId.test(id) ? id : null;
}

const validId = new RegExp(idPattern, 'u');

/** Verbs with rules beyond shape, quantity and length. */
const isRare: { readonly [V in Verb]: boolean } = {
  reserve: false,
  renew: false,
  confirm: false,
  release: false,
  sell: false,
  receive: false,
  restock: false,
  adjust: true,
  count: true,
  transfer: true,
  policy: true,
  correct: true,
  get: false,
};

function rejected(value: unknown, refusal: Refusal): Rejected {
  return { ok: false, id: idOf(value), refusal };
}

/** What the schema cannot say. */
function meaningless(
  verb: Verb,
  request: JsonObject,
  settings: ParseSettings,
): Refusal | undefined {
  if (verb === 'transfer' && request.from === request.to) {
    return invalidRequest('to', 'is the same place as from');
  }
  if (verb !== 'policy' || request.channels === undefined) return undefined;
  const names = Object.keys(request.channels as object);
  const stranger = names.find((name) => !settings.rules.channels.has(name));
  return stranger === undefined
    ? undefined
    : invalidRequest(`channels.${stranger}`, 'is not a channel');
}

/** The channel whose lifetime bounds a hold: its own, or the holder's that it names. */
function holderOf(rules: ChannelRules, request: JsonObject, settings: ParseSettings): ChannelRules {
  const { heldBy } = request;
  return typeof heldBy === 'string' ? (settings.rules.channels.get(heldBy) ?? rules) : rules;
}

function concernsCart(verb: Verb, value: JsonObject): boolean {
  switch (verb) {
    case 'reserve':
      return value.lines !== undefined;
    case 'renew':
    case 'confirm':
    case 'release':
      return value.sku === undefined;
    default:
      return false;
  }
}

function parseCart(
  verb: CartVerb,
  rules: ChannelRules,
  value: JsonObject,
  settings: ParseSettings,
): ParsedCart | Rejected {
  const { limits } = settings;
  // Counted before anything is done per line.
  const refusal = tooMany(value.lines, 'lines', limits) ?? tooMany(value.skus, 'skus', limits);
  if (refusal !== undefined) return rejected(value, refusal);
  const validator = cartValidator(verb);
  if (!validator.Check(value)) {
    const both = value.sku !== undefined && value.lines !== undefined;
    const why = both
      ? invalidRequest('sku', 'cannot stand beside lines')
      : explain(validator, value);
    return rejected(value, why);
  }
  const over = overLimit(value, limits, holderOf(rules, value, settings));
  if (over !== undefined) return rejected(value, over);
  const built = buildCart({ verb, request: value } as CartRequest, rules.name, limits.quantityMax);
  return built.ok
    ? { ok: true, kind: 'cart', command: built.command }
    : rejected(value, built.refusal);
}

function tooMany(
  list: unknown,
  field: string,
  { cartLinesMax }: RequestLimits,
): Refusal | undefined {
  if (!Array.isArray(list) || list.length <= cartLinesMax) return undefined;
  return limitExceeded('cartLinesMax', `${list.length} ${field}, at most ${cartLinesMax}`);
}

function explainSku(verb: Verb, validator: AnyValidator, value: unknown): Refusal {
  if (isJsonObject(value) && value.skus !== undefined && verb !== 'reserve') {
    return invalidRequest('skus', 'cannot stand beside sku');
  }
  return explain(validator, value);
}
