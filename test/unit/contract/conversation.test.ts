// The whole way of a command through contract and domain, many times over: what is parsed is decided,
// every answer is a reply of the published schema, every event a message of the history, every state
// a row. What no single example thinks of.

import { Ajv } from 'ajv';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { publishedSchemas, schemaIdPrefix } from '../../../src/contract/json-schema.ts';
import { type Parsed, parseCommand } from '../../../src/contract/parse-command.ts';
import { parseFact } from '../../../src/contract/parse-fact.ts';
import { encodeReply } from '../../../src/contract/replies.ts';
import { historyMessage, stockRowOf, viewRowOf } from '../../../src/contract/rows.ts';
import { factVerbs, type Verb, verbs } from '../../../src/contract/verbs.ts';
import type { SkuEvent } from '../../../src/domain/events.ts';
import { execute, expireDue } from '../../../src/domain/execute.ts';
import { initialState, type SkuState } from '../../../src/domain/state.ts';
import { channelRow, historyEvent, stockRow } from '../../../src/domain/views.ts';
import { settings } from './requests-of.ts';

const sku = 'BANK "CHARGES"';
const skuKey = 'BANK=20=22CHARGES=22';
const start = 1_794_900_000_000;

const ajv = new Ajv({ strict: true });
for (const schema of publishedSchemas.values()) ajv.addSchema(schema);

function expectValid(name: string, json: string): void {
  const validate = ajv.getSchema(`${schemaIdPrefix}${name}`)!;
  const value = JSON.parse(json);
  const valid = validate(value);
  expect(valid ? [] : [json, ...(validate.errors ?? [])]).toEqual([]);
}

const qty = fc.integer({ min: 1, max: 6 });
const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const location = fc.option(fc.constantFrom('main', 'store-1'), { nil: undefined });
const limit = fc.option(fc.nat({ max: 4 }));

/** Fields from which each verb takes its own. */
const wish = fc.record({
  verb: fc.constantFrom<Verb>('receive', 'reserve', ...verbs),
  id,
  qty,
  location,
  reservation: id,
  ttlMs: fc.integer({ min: 1, max: 5_000 }),
  delta: fc.integer({ min: -4, max: 4 }).filter((delta) => delta !== 0),
  counted: fc.nat({ max: 8 }),
  asFact: fc.boolean(),
  channel: fc.constantFrom('web', 'pos'),
  policy: fc.record({
    safetyStock: limit,
    backorderMax: limit,
    lowStock: limit,
    channels: fc.constant({ web: { buffer: 1, quota: 5, ringFence: 2 }, pos: { quota: null } }),
  }),
  waitMs: fc.nat({ max: 4_000 }),
});

type Wish = typeof wish extends fc.Arbitrary<infer W> ? W : never;

function fieldsOf(w: Wish): object {
  const { verb, id: name, qty: units, location: at, reservation, ttlMs } = w;
  const base = { id: `${verb}-${name}`, sku };
  switch (verb) {
    case 'get':
      return { sku };
    case 'reserve':
      return { ...base, id: name, qty: units, location: at, ttlMs };
    case 'renew':
      return { ...base, reservation, ttlMs };
    case 'confirm':
      return { ...base, reservation, order: 'O-1', ...(units < 3 ? { qty: units } : {}) };
    case 'release':
      return { ...base, reservation };
    case 'adjust':
      return { ...base, delta: w.delta, reason: 'found', location: at };
    case 'count':
      return { ...base, counted: w.counted, location: at };
    case 'transfer':
      return { ...base, qty: units, from: 'main', to: 'store-1' };
    case 'policy':
      return { ...base, ...w.policy };
    case 'correct':
      return { ...base, delta: w.delta, location: at, evidence: { asOfSeq: 10 } };
    case 'sell':
    case 'receive':
    case 'restock':
      return { ...base, qty: units, location: at };
  }
}

const channelOf: Partial<Record<Verb, string>> = {
  ...{ receive: 'wms', adjust: 'wms', count: 'wms', transfer: 'wms' },
  ...{ policy: 'ops', correct: 'reconciler' },
};

function parsed(w: Wish): Parsed | ReturnType<typeof parseFact> {
  const payload = JSON.stringify(fieldsOf(w));
  if (w.asFact && (factVerbs as readonly string[]).includes(w.verb)) {
    return parseFact({ source: 'gate-7', verb: w.verb, skuKey }, payload, settings);
  }
  return parseCommand(w.verb, channelOf[w.verb] ?? w.channel, payload, settings);
}

/** One command on its way; answers what happened. */
function say(state: SkuState, w: Wish, nowMs: number): readonly SkuEvent[] {
  const command = parsed(w);
  if (!command.ok) throw new Error(`${JSON.stringify(fieldsOf(w))}: ${command.refusal.message}`);
  if ('kind' in command && command.kind === 'cart') throw new Error('not about a cart');
  const moment = { nowMs, afterSeq: state.version };
  const expired = expireDue(state, moment, settings.rules);
  const skuCommand = (command as { command: Parameters<typeof execute>[1] }).command;
  const { events, answer } = execute(state, skuCommand, moment, settings.rules);
  const reply = encodeReply(skuCommand, answer, 77);
  expectValid(answer.kind === 'refused' ? 'reply:error' : `reply:${w.verb}`, reply);
  return [...expired, ...events];
}

function expectShown(state: SkuState, events: readonly SkuEvent[]): void {
  const at = { asOfSeq: 77, updatedAtMs: start };
  if (events.length > 0) {
    const message = historyMessage(sku, events);
    for (const event of JSON.parse(message).events) {
      expectValid(`event:${event.type}`, JSON.stringify(event));
    }
    expectValid('event:message', message);
    const told = JSON.parse(JSON.stringify({ sku, events: events.map(historyEvent) }));
    expect(JSON.parse(message)).toEqual(told);
  }
  const stock = stockRowOf(state, at);
  expectValid('row:stock', stock);
  expect(JSON.parse(stock)).toEqual({ ...stockRow(state), ...at });
  const web = settings.rules.channels.get('web')!;
  const { payload } = viewRowOf(state, web, at);
  expectValid('row:view', payload);
  expect(JSON.parse(payload)).toMatchObject(channelRow(state, web));
}

test('every reply, event and row of any conversation is as published', () => {
  fc.assert(
    fc.property(fc.array(wish, { minLength: 1, maxLength: 25 }), (wishes) => {
      const state = initialState(sku);
      let nowMs = start;
      for (const w of wishes) {
        nowMs += w.waitMs;
        expectShown(state, say(state, w, nowMs));
      }
    }),
    { numRuns: 300 },
  );
});
