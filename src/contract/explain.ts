/**
 * The slow path of validation: the compiled check has failed, and the sender wants to know where.
 * Answers one refusal: `limit_exceeded` when nothing else is wrong than a number beyond what JSON
 * carries exactly in a field that a limit bounds, else `invalid_request` with `error.field`.
 */

import type { TLocalizedValidationError } from 'typebox/error';
import type { Refusal } from '../domain/outcome.ts';
import { invalidRequest, limitExceeded } from './codes.ts';
import { isJsonObject } from './json-input.ts';

/** The part of a compiled validator that explaining needs. */
export interface Explainable {
  Errors(value: unknown): TLocalizedValidationError[];
}

/** Which limit bounds a field. */
const limitOfField: Readonly<Record<string, string>> = {
  qty: 'quantityMax',
  counted: 'onHandMax',
  delta: 'onHandMax',
  ttlMs: 'longestTtlMs',
  safetyStock: 'quantityMax',
  backorderMax: 'quantityMax',
  lowStock: 'quantityMax',
  buffer: 'quantityMax',
  quota: 'quantityMax',
  ringFence: 'quantityMax',
};

const shapeOfField: Readonly<Record<string, string>> = {
  sku: 'must be 1–128 characters without control characters',
  id: 'must be 1–128 characters of A–Z a–z 0–9 _ . : -',
  reservation: 'must be 1–128 characters of A–Z a–z 0–9 _ . : -',
  location: 'must be 1–32 characters of a–z 0–9 -',
  from: 'must be 1–32 characters of a–z 0–9 -',
  to: 'must be 1–32 characters of a–z 0–9 -',
  heldBy: 'must be 1–32 characters of a–z 0–9 -',
  delta: 'must be a whole number other than 0',
};

/** Fields whose fields are named by the sender: looking at each of very many is slow. */
const maps = ['channels', 'evidence'];
const mapFieldsMax = 1_000;

export function explain(validator: Explainable, value: unknown): Refusal {
  if (!isJsonObject(value)) return invalidRequest(undefined, 'must be a JSON object');
  const crowded = maps.find((name) => {
    const map = value[name];
    return isJsonObject(map) && Object.keys(map).length > mapFieldsMax;
  });
  if (crowded !== undefined) return invalidRequest(crowded, 'has too many fields');
  let beyond: Refusal | undefined;
  for (const error of validator.Errors(value)) {
    const path = pathOf(error);
    const limit = limitBeyond(value, path);
    if (limit === undefined) return invalidRequest(fieldName(path), reasonOf(error, path));
    beyond ??= limitExceeded(limit, `${fieldName(path)} is above ${limit}`);
  }
  return beyond ?? invalidRequest(undefined, 'does not have the shape of this command');
}

function pathOf(error: TLocalizedValidationError): string[] {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (error.keyword === 'required') path.push(error.params.requiredProperties[0] ?? '');
  if (error.keyword === 'additionalProperties') {
    path.push(error.params.additionalProperties[0] ?? '');
  }
  return path;
}

/**
 * `lines[0].qty`. Somebody's unknown field is cut where it is longer than any of ours, and shown
 * without what could break a line: messages go into headers and logs.
 */
export function fieldName(path: readonly string[]): string | undefined {
  if (path.length === 0) return undefined;
  const name = path
    .map((token, i) => (/^[0-9]+$/.test(token) ? `[${token}]` : i === 0 ? token : `.${token}`))
    .join('');
  const short = name.length > 100 ? `${name.slice(0, 100)}…` : name;
  return short.replace(/[\p{Cc}\p{Cs}]/gu, '?');
}

function limitBeyond(value: unknown, path: readonly string[]): string | undefined {
  const limit = limitOfField[path.at(-1) ?? ''];
  if (limit === undefined) return undefined;
  let at: unknown = value;
  for (const token of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string, unknown>)[token];
  }
  const isBeyond = Number.isInteger(at) && Math.abs(at as number) > Number.MAX_SAFE_INTEGER;
  // Below zero only a change may be.
  return isBeyond && ((at as number) > 0 || path.at(-1) === 'delta') ? limit : undefined;
}

function reasonOf(error: TLocalizedValidationError, path: readonly string[]): string {
  switch (error.keyword) {
    case 'required':
      return 'is missing';
    case 'boolean':
    case 'additionalProperties':
      return 'is not a field here';
    default:
      return shapeOfField[path.at(-1) ?? ''] ?? error.message;
  }
}
