// Whatever comes in, parsing answers: with a command that its schema accepts, or with a refusal of a
// few codes. It never throws.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { idPattern } from '../../../src/contract/fields.ts';
import { parseCommand, type Rejected } from '../../../src/contract/parse-command.ts';
import { parseFact } from '../../../src/contract/parse-fact.ts';
import { parseFrame } from '../../../src/contract/parse-frame.ts';
import { encodeError } from '../../../src/contract/replies.ts';
import { verbs } from '../../../src/contract/verbs.ts';
import { carts, channelFor, type Fields, fullest, settings, smallest } from './requests-of.ts';

const codesHere = new Set(['invalid_request', 'forbidden', 'limit_exceeded']);
const verb = fc.oneof(fc.constantFrom<string>(...verbs), fc.string());
const channel = fc.constantFrom('web', 'ops', 'wms', 'reconciler', 'kiosk', '__proto__', '');
const junk = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(0, -0, 1, 2 ** 53, 1e308, '', 'a', '\ud800', [], {}, null, true),
  fc.string({ unit: 'binary', maxLength: 200 }),
);

/** Requests with some fields damaged, removed or added. */
const damaged = fc
  .record({
    base: fc.constantFrom<Fields>(
      ...Object.values(smallest),
      ...Object.values(fullest),
      ...Object.values(carts),
    ),
    removed: fc.array(fc.constantFrom<string>('id', 'sku', 'qty', 'lines', 'reservation'), {
      maxLength: 2,
    }),
    changed: fc.dictionary(
      fc.oneof(
        fc.constantFrom(
          'id',
          'sku',
          'qty',
          'delta',
          'ttlMs',
          'lines',
          'skus',
          'channels',
          'evidence',
        ),
        fc.string(),
      ),
      junk,
      { maxKeys: 3 },
    ),
  })
  .map(({ base, removed, changed }) => {
    const kept = Object.entries(base).filter(([name]) => !removed.includes(name));
    return { ...Object.fromEntries(kept), ...changed };
  });

const payload = fc.oneof(
  damaged.map((value) => JSON.stringify(value)),
  fc.json(),
  fc.string(),
  fc.uint8Array({ maxLength: 300 }),
);

function expectAnswer(parsed: { readonly ok: true } | Rejected) {
  if (parsed.ok) return;
  const { id, refusal } = parsed;
  expect(codesHere).toContain(refusal.code);
  // Its message goes into a header of the dead letter.
  expect(refusal.message).not.toMatch(/[\p{Cc}\p{Cs}]/u);
  if (id !== null) expect(id).toMatch(new RegExp(idPattern, 'u'));
  const reply = JSON.parse(encodeError(id, refusal));
  expect(reply).toMatchObject({ ok: false, id, error: { code: refusal.code, retry: false } });
  // A refusal is small, however large what it refuses.
  expect(JSON.stringify(reply).length).toBeLessThan(2_000);
}

describe('whatever comes in', () => {
  test('a request is a command or a refusal', () => {
    fc.assert(
      fc.property(verb, channel, payload, (v, c, p) => {
        expectAnswer(parseCommand(v, c, p, settings));
      }),
      { numRuns: 3_000 },
    );
  });

  test('a frame is commands and refusals, one per element', () => {
    const element = fc
      .tuple(fc.oneof(damaged, junk), verb)
      .map(([value, v]) =>
        typeof value === 'object' && value !== null ? { ...value, verb: v } : value,
      );
    fc.assert(
      fc.property(fc.array(element, { maxLength: 5 }), channel, (elements, c) => {
        const parsed = parseFrame(3, c, JSON.stringify(elements), settings);
        if (!parsed.ok) throw new Error('a frame that can be read was refused');
        expect(parsed.items.length).toBe(elements.length);
        parsed.items.forEach(expectAnswer);
      }),
      { numRuns: 1_000 },
    );
  });

  test('a fact is a command or a refusal', () => {
    const token = fc.constantFrom('85123A', 'a=20b', '=', '', 'pos-12');
    fc.assert(
      fc.property(token, verb, token, payload, (source, v, skuKey, p) => {
        expectAnswer(parseFact({ source, verb: v, skuKey }, p, settings));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the meaning of a request', () => {
  test('does not depend on the order of its fields', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...verbs.filter((v) => v !== 'get')),
        fc.infiniteStream(fc.nat()),
        (v, order) => {
          const shuffled = Object.entries(fullest[v])
            .map((entry) => ({ entry, at: order.next().value }))
            .sort((a, b) => a.at - b.at)
            .map(({ entry }) => entry);
          const text = JSON.stringify(Object.fromEntries(shuffled));
          const plain = JSON.stringify(fullest[v]);
          const channelOf = channelFor(v);
          expect(parseCommand(v, channelOf, text, settings)).toEqual(
            parseCommand(v, channelOf, plain, settings),
          );
        },
      ),
    );
  });

  test('does not depend on id and issuedAtMs, and on every other field it does', () => {
    const fingerprint = (v: (typeof verbs)[number], fields: Fields) => {
      const parsed = parseCommand(v, channelFor(v), JSON.stringify(fields), settings);
      if (!parsed.ok || !('fingerprint' in parsed.command)) throw new Error(`${v} was refused`);
      return parsed.command.fingerprint;
    };
    for (const v of verbs) {
      if (v === 'get') continue;
      const all = fullest[v];
      const meaning = fingerprint(v, all);
      expect(fingerprint(v, { ...all, id: 'other', issuedAtMs: 5 })).toBe(meaning);
      for (const name of Object.keys(all)) {
        if (name in smallest[v] || name === 'issuedAtMs') continue;
        const { [name]: _, ...others } = all;
        expect(fingerprint(v, others), `${v} without ${name}`).not.toBe(meaning);
      }
    }
  });
});
