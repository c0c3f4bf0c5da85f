/**
 * The verbs of the public contract, once. A verb that is added here needs a request schema
 * (`requests.ts`), a builder (`build-command.ts`) and a decision in the domain; the compiler asks
 * for the first two.
 */

export const verbs = [
  'reserve',
  'renew',
  'confirm',
  'release',
  'sell',
  'receive',
  'restock',
  'adjust',
  'count',
  'transfer',
  'policy',
  'correct',
  'get',
] as const;

export type Verb = (typeof verbs)[number];

/** Verbs that a source may publish as facts: something that already happened outside. */
export const factVerbs = ['receive', 'sell', 'restock', 'adjust', 'count', 'transfer'] as const;

export type FactVerb = (typeof factVerbs)[number];

/** Verbs that may act on a whole cart. */
export const cartVerbs = ['reserve', 'renew', 'confirm', 'release'] as const;

export type CartVerb = (typeof cartVerbs)[number];

const known: ReadonlySet<string> = new Set(verbs);
const knownFacts: ReadonlySet<string> = new Set(factVerbs);

export function isVerb(value: unknown): value is Verb {
  return typeof value === 'string' && known.has(value);
}

export function isFactVerb(value: string): value is FactVerb {
  return knownFacts.has(value);
}
