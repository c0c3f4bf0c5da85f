/**
 * A frame: many commands of one partition in one message. Errors are per element; only a frame that
 * cannot be read as a whole is refused as a whole.
 */

import type { SkuCommand } from '../domain/commands.ts';
import { partitionOf, skuKeyOf } from '../domain/names.ts';
import type { Refusal } from '../domain/outcome.ts';
import type { ChannelRules } from '../domain/rules.ts';
import { invalidRequest, limitExceeded } from './codes.ts';
import { explain } from './explain.ts';
import { isJsonObject, parseJson } from './json-input.ts';
import {
  checkedCommand,
  idOf,
  mayUse,
  type ParseSettings,
  type Rejected,
} from './parse-command.ts';
import { type AnyValidator, elementValidator } from './validators.ts';
import type { Verb } from './verbs.ts';

/** One element, in the order of the frame. */
export type FrameItem =
  | { readonly ok: true; readonly kind: 'sku'; readonly command: SkuCommand }
  | Rejected;

export type ParsedFrame =
  | { readonly ok: true; readonly items: readonly FrameItem[] }
  | { readonly ok: false; readonly id: null; readonly refusal: Refusal };

/** A request on `inv.p.<partition>.<channel>`. */
export function parseFrame(
  partition: number,
  channel: string,
  payload: Uint8Array | string,
  settings: ParseSettings,
): ParsedFrame {
  const { limits } = settings;
  const input = parseJson(payload, limits.requestBytesMax);
  if (!input.ok) return { ok: false, id: null, refusal: input.refusal };
  const { value } = input;
  if (!Array.isArray(value)) {
    const refusal = invalidRequest(undefined, 'a frame is a JSON array of commands');
    return { ok: false, id: null, refusal };
  }
  if (value.length > limits.frameCommandsMax) {
    const why = `${value.length} commands, at most ${limits.frameCommandsMax} in a frame`;
    return { ok: false, id: null, refusal: limitExceeded('frameCommandsMax', why) };
  }
  const rules = settings.rules.channels.get(channel);
  const items: FrameItem[] = [];
  for (const element of value) {
    items.push(parseElement(element, partition, channel, rules, settings));
  }
  return { ok: true, items };
}

function parseElement(
  element: unknown,
  partition: number,
  channel: string,
  rules: ChannelRules | undefined,
  settings: ParseSettings,
): FrameItem {
  const verb = isJsonObject(element) ? element.verb : undefined;
  const refusal = mayUse(rules, channel, verb);
  if (refusal !== undefined) return { ok: false, id: idOf(element), refusal };
  const validator = elementValidator(verb as Verb);
  if (!validator.Check(element)) {
    return { ok: false, id: idOf(element), refusal: explainElement(validator, element) };
  }
  const request = element as Readonly<Record<string, unknown>> & { readonly sku: string };
  if (partitionOf(skuKeyOf(request.sku), settings.partitions) !== partition) {
    const why = `is not of partition ${partition}`;
    return { ok: false, id: idOf(element), refusal: invalidRequest('sku', why) };
  }
  return checkedCommand(verb as Verb, rules!, request, settings);
}

function explainElement(validator: AnyValidator, element: unknown): Refusal {
  if (isJsonObject(element)) {
    const field = ['lines', 'skus'].find((name) => element[name] !== undefined);
    if (field !== undefined) return invalidRequest(field, 'a frame carries no carts');
  }
  return explain(validator, element);
}
