// The published schemas: valid for a strict reader in another library, the same as what validates
// here, and true for every example of the contract.

import { Ajv, type ValidateFunction } from 'ajv';
import { describe, expect, test } from 'vitest';
import { publishedSchemas, schemaIdPrefix } from '../../../src/contract/json-schema.ts';
import { encodeCartReply, encodeError, encodeReply } from '../../../src/contract/replies.ts';
import { cartVerbs, verbs } from '../../../src/contract/verbs.ts';
import { type Acceptance, refusalCodes } from '../../../src/domain/outcome.ts';
import { carts, fullest, parse, settings, smallest, verdict } from './requests-of.ts';

const ajv = new Ajv({ strict: true, allErrors: true });
for (const schema of publishedSchemas.values()) ajv.addSchema(schema);

function validator(name: string): ValidateFunction {
  const found = ajv.getSchema(`${schemaIdPrefix}${name}`);
  if (found === undefined) throw new Error(`no schema ${name}`);
  return found;
}

function expectValid(name: string, value: unknown): void {
  const validate = validator(name);
  expect({ valid: validate(value), errors: validate.errors ?? [] }).toEqual({
    valid: true,
    errors: [],
  });
}

test.each([...publishedSchemas.keys()])('%s compiles strictly and is plain JSON', (name) => {
  expect(validator(name)).toBeTypeOf('function');
  const schema = publishedSchemas.get(name);
  expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  expect(schema?.$id).toBe(`urn:lastunit:v1:${name}`);
});

describe('a request', () => {
  test.each(verbs)('%s is described as it is accepted', (verb) => {
    for (const fields of [smallest[verb], fullest[verb]]) {
      expectValid(`command:${verb}`, fields);
      expectValid(`frame-element:${verb}`, { ...fields, verb });
      expect(validator(`command:${verb}`)({ ...fields, verb })).toBe(false);
      expect(validator(`frame-element:${verb}`)(fields)).toBe(false);
    }
  });

  test.each(cartVerbs)('%s of a cart is described as it is accepted', (verb) => {
    expectValid(`cart-command:${verb}`, carts[verb]);
    expect(validator(`cart-command:${verb}`)(smallest[verb])).toBe(verb === 'release' && false);
  });

  test('that a foreign validator refuses is refused here, and the other way round', () => {
    const values = [null, '', 'a', 'a\n', '\ud800', 0, -0, 1, 1.5, -1, 2 ** 53, true, [], {}];
    for (const verb of verbs) {
      const validate = validator(`command:${verb}`);
      for (const name of [...Object.keys(fullest[verb]), 'unknown']) {
        for (const value of values) {
          const fields = { ...fullest[verb], [name]: value };
          const parsed = parse(verb, fields);
          // Limits and what spans fields are not the schema's; so are a cart's.
          if (name === 'lines' || name === 'skus') continue;
          if (!parsed.ok && parsed.refusal.code === 'limit_exceeded') continue;
          const refused = verdict(parsed).startsWith('invalid_request');
          const text = JSON.stringify(fields);
          expect(validate(JSON.parse(text)), `${verb} ${text}`).toBe(!refused);
        }
      }
    }
  });
});

describe('a reply', () => {
  const acceptance: Acceptance = {
    sku: '85123A',
    qty: 1,
    delta: 1,
    allocations: [{ location: 'main', qty: 1 }],
    expiresAtMs: 1_794_900_000_000,
    available: 11,
    version: 42,
    state: 'open',
    retaken: true,
    replayed: true,
  };

  test.each(verbs.filter((verb) => verb !== 'get'))(
    'to %s is described as it is written',
    (verb) => {
      const json = encodeReply({ verb, id: 'r-1' }, { kind: 'accepted', acceptance });
      expectValid(`reply:${verb}`, JSON.parse(json));
    },
  );

  test.each(cartVerbs)('to %s of a cart is described as it is written', (verb) => {
    const answer = { kind: 'accepted', lines: [acceptance], state: 'open' } as const;
    expectValid(`cart-reply:${verb}`, JSON.parse(encodeCartReply({ id: 'cart-1' }, answer)));
  });

  test('to get is described as it is written', () => {
    const read = {
      ...{ sku: 'A', onHand: 3, reserved: 2, safetyStock: 0, available: 1 },
      locations: { main: { onHand: 3, reserved: 2 } },
      ...{ reservations: 1, version: 9 },
    };
    expectValid('reply:get', JSON.parse(encodeReply({ verb: 'get' }, { kind: 'read', read }, 5)));
  });

  test.each(refusalCodes)('of error %s is described as it is written', (code) => {
    const refusal = {
      ...{ code, message: 'why', sku: 'A', requested: 3, available: 0, onHand: -1 },
      ...{ field: 'qty', limit: 'quantityMax', retryAfterMs: 100 },
      lines: [{ sku: 'A', requested: 3, available: 0 }],
    };
    expectValid('reply:error', JSON.parse(encodeError('r-1', refusal)));
    expectValid('reply:error', JSON.parse(encodeError(null, { code, message: '' })));
  });
});

describe("the contract's own examples", () => {
  const examples: readonly [string, string][] = [
    [
      'reply:reserve',
      '{"ok": true, "id": "r-1", "sku": "85123A", "qty": 1, "allocations": [{"location": "main", "qty": 1}], "expiresAtMs": 1794900000000, "available": 11, "version": 42}',
    ],
    [
      'reply:error',
      '{"ok": false, "id": "r-2", "error": {"code": "insufficient_stock", "message": "85123A: 3 requested, 0 available to web", "retry": false, "sku": "85123A", "requested": 3, "available": 0}}',
    ],
    [
      'row:view',
      '{"sku": "85123A", "available": 11, "status": "in_stock", "version": 42, "asOfSeq": 900, "updatedAtMs": 1794900000000}',
    ],
    [
      'row:stock',
      '{"sku": "85123A", "onHand": 12, "reserved": 1, "available": 11, "safetyStock": 0, "locations": {"main": {"onHand": 12, "reserved": 1}}, "reservations": 1, "version": 42, "asOfSeq": 900, "updatedAtMs": 1794900000000}',
    ],
    ['row:meta', '{"partitions": 32, "schema": 1}'],
    [
      'row:node',
      '{"name": "node-1", "incarnation": "x", "partitions": [0, 5], "startedAtMs": 1, "renewedAtMs": 2}',
    ],
    [
      'event:message',
      '{"sku": "85123A", "events": [{"type": "stock.received", "version": 1, "atMs": 5, "channel": "wms", "command": "i-1", "qty": 12, "allocations": [{"location": "main", "qty": 12}], "onHand": 12, "reserved": 0, "available": 12}]}',
    ],
    [
      'reconcile:posting-ack',
      '{"lane": "web", "documents": ["O-77"], "postedAtMs": 1794900000000}',
    ],
  ];
  test.each(examples)('%s', (name, json) => {
    expectValid(name, JSON.parse(json));
  });

  test('name the SKUs as they are taken', () => {
    for (const sku of ['85123A', 'BANK CHARGES', 'AB.123/XL']) {
      expect(verdict(parse('get', { sku }))).toBe('accepted');
    }
    expect(settings.partitions).toBe(16);
  });
});
