/**
 * Collects everything that is wrong with a configuration, so that all of it can be printed at once.
 * A problem is a line: a path into the file and what is wrong there.
 */

import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

export type JsonObject = Readonly<Record<string, unknown>>;

export class Problems {
  readonly lines: string[] = [];

  add(path: string, what: string): void {
    this.lines.push(path === '' ? what : `${path}: ${what}`);
  }

  /** The value as an object, or undefined after noting that it is none. */
  object(path: string, value: unknown): JsonObject | undefined {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as JsonObject;
    }
    this.add(path, 'must be an object');
    return undefined;
  }

  /** Notes every key that is not known, with the known one that it resembles. */
  unknownKeys(path: string, value: JsonObject, known: readonly string[]): void {
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue;
      const meant = nearest(key, known);
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
      this.add(join(path, key), `is not a setting${hint}`);
    }
  }

  /** Notes unknown keys, and what is wrong with each known one that is there. */
  settings(path: string, value: JsonObject, schemas: Readonly<Record<string, TSchema>>): void {
    this.unknownKeys(path, value, Object.keys(schemas));
    for (const [key, schema] of Object.entries(schemas)) {
      if (value[key] !== undefined) this.fits(join(path, key), value[key], schema);
    }
  }

  /** Whether the value has the schema's shape; what is wrong with it is noted. */
  fits(path: string, value: unknown, schema: TSchema): boolean {
    const validator = Compile(schema);
    if (validator.Check(value)) return true;
    const said = new Set<string>();
    for (const error of validator.Errors(value)) {
      const where = at(path, error.instancePath);
      if (said.has(where)) continue;
      said.add(where);
      this.add(where, `${reason(error)} (it is ${shown(valueAt(value, error.instancePath))})`);
    }
    return false;
  }
}

/** `channels` + `web` → `channels.web`; what is no plain word is quoted. */
export function join(path: string, key: string): string {
  const step = /^[A-Za-z0-9_$-]+$/.test(key) ? key : JSON.stringify(key);
  return path === '' ? step : `${path}.${step}`;
}

function at(path: string, pointer: string): string {
  return tokens(pointer).reduce(
    (sum, token) => (/^[0-9]+$/.test(token) ? `${sum}[${token}]` : join(sum, token)),
    path,
  );
}

function valueAt(value: unknown, pointer: string): unknown {
  return tokens(pointer).reduce<unknown>(
    (sum, token) => (typeof sum === 'object' ? (sum as JsonObject | null)?.[token] : undefined),
    value,
  );
}

function tokens(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function reason(error: { keyword: string; params: object; message: string }): string {
  const { allowedValues } = error.params as { allowedValues?: readonly unknown[] };
  return error.keyword === 'enum' && allowedValues !== undefined
    ? `must be one of ${allowedValues.join(', ')}`
    : error.message;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'absent';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The known word that a typo most likely stands for. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const furthest = Math.max(2, Math.floor(word.length / 3));
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(word.toLowerCase(), name.toLowerCase());
    if (distance <= furthest && distance < (best?.distance ?? Infinity)) best = { name, distance };
  }
  return best?.name;
}

/** Insertions, deletions and substitutions between two words (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same));
    }
    row = next;
  }
  return row[b.length]!;
}
