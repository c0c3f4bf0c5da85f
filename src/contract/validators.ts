/**
 * The compiled validators of everything that a channel sends, made from the published schemas on
 * first use: a process compiles only what it needs.
 */

import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { cartRequestSchemas } from './cart.ts';
import type { Explainable } from './explain.ts';
import { frameElementSchemas, requestSchemas } from './requests.ts';
import type { CartVerb, Verb } from './verbs.ts';

/** A compiled schema. Its check narrows nothing: the caller knows which request it asked about. */
export interface AnyValidator extends Explainable {
  Check(value: unknown): boolean;
}

const ofRequests = new Map<Verb, AnyValidator>();
const ofElements = new Map<Verb, AnyValidator>();
const ofCarts = new Map<CartVerb, AnyValidator>();

/** Of a request for one SKU. */
export function requestValidator(verb: Verb): AnyValidator {
  return ofRequests.get(verb) ?? remember(ofRequests, verb, requestSchemas[verb]);
}

/** Of an element of a frame. */
export function elementValidator(verb: Verb): AnyValidator {
  return ofElements.get(verb) ?? remember(ofElements, verb, frameElementSchemas[verb]);
}

/** Of a request for a cart. */
export function cartValidator(verb: CartVerb): AnyValidator {
  return ofCarts.get(verb) ?? remember(ofCarts, verb, cartRequestSchemas[verb]);
}

function remember<K>(cache: Map<K, AnyValidator>, key: K, schema: TSchema): AnyValidator {
  const validator = Compile(schema);
  cache.set(key, validator);
  return validator;
}
