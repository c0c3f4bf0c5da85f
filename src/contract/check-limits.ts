/**
 * The configured limits of a request whose shape is right. Being above one is `limit_exceeded`,
 * which names it.
 */

import type { Refusal } from '../domain/outcome.ts';
import type { ChannelRules } from '../domain/rules.ts';
import { limitExceeded } from './codes.ts';
import type { RequestLimits } from './limits.ts';

/** The fields of any request that a limit bounds. */
interface Bounded {
  readonly qty?: number;
  readonly counted?: number;
  readonly delta?: number;
  readonly ttlMs?: number;
  readonly order?: string;
  readonly ref?: string;
  readonly reason?: string;
  readonly evidence?: object;
  readonly safetyStock?: number | null;
  readonly backorderMax?: number | null;
  readonly lowStock?: number | null;
  readonly channels?: Readonly<Record<string, Readonly<Record<string, number | null>>>>;
}

/** `holder` are the rules of the channel whose hold it is; undefined where holds play no part. */
export function overLimit(
  request: Bounded,
  limits: RequestLimits,
  holder: ChannelRules | undefined,
): Refusal | undefined {
  const { qty, ttlMs } = request;
  if (qty !== undefined && qty > limits.quantityMax) {
    return above('qty', qty, 'quantityMax', limits.quantityMax);
  }
  if (ttlMs !== undefined && holder !== undefined && ttlMs > holder.longestTtlMs) {
    return above('ttlMs', ttlMs, 'longestTtlMs', holder.longestTtlMs);
  }
  return (
    overLength('order', request.order, limits.textLengthMax) ??
    overLength('ref', request.ref, limits.textLengthMax)
  );
}

/** The same for verbs that are not hot: what only they have. */
export function overRareLimit(request: Bounded, limits: RequestLimits): Refusal | undefined {
  const { counted, delta } = request;
  if (counted !== undefined && counted > limits.onHandMax) {
    return above('counted', counted, 'onHandMax', limits.onHandMax);
  }
  if (delta !== undefined && Math.abs(delta) > limits.onHandMax) {
    return above('delta', delta, 'onHandMax', limits.onHandMax);
  }
  return (
    overLength('reason', request.reason, limits.textLengthMax) ??
    overEvidence(request.evidence, limits) ??
    overQuantity('', request as Numbers, ['safetyStock', 'backorderMax', 'lowStock'], limits) ??
    overChannelPolicies(request.channels, limits)
  );
}

type Numbers = Readonly<Record<string, number | null | undefined>>;

function overChannelPolicies(
  channels: Bounded['channels'],
  limits: RequestLimits,
): Refusal | undefined {
  for (const [name, patch] of Object.entries(channels ?? {})) {
    const path = `channels.${name}.`;
    const refusal = overQuantity(path, patch, ['buffer', 'quota', 'ringFence'], limits);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function overQuantity(
  path: string,
  values: Numbers,
  fields: readonly string[],
  { quantityMax }: RequestLimits,
): Refusal | undefined {
  for (const field of fields) {
    const value = values[field];
    if (typeof value === 'number' && value > quantityMax) {
      return above(`${path}${field}`, value, 'quantityMax', quantityMax);
    }
  }
  return undefined;
}

function overEvidence(
  evidence: object | undefined,
  { evidenceLengthMax: max }: RequestLimits,
): Refusal | undefined {
  if (evidence === undefined || JSON.stringify(evidence).length <= max) return undefined;
  return limitExceeded('evidenceLengthMax', `evidence is longer than ${max} characters as JSON`);
}

function overLength(field: string, text: string | undefined, max: number): Refusal | undefined {
  // Code points are at most as many as UTF-16 units, so counting them is rarely needed.
  if (text === undefined || text.length <= max || [...text].length <= max) return undefined;
  return limitExceeded('textLengthMax', `${field} is longer than ${max} characters`);
}

function above(field: string, value: number, limit: string, max: number): Refusal {
  return limitExceeded(limit, `${field} is ${value}, ${limit} is ${max}`);
}
