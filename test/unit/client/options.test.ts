// The client's options, and its facts.

import { describe, expect, test } from 'vitest';
import type { FactPublisher } from '../../../src/client/facts.ts';
import { idMaker } from '../../../src/client/ids.ts';
import { resolveSendOptions } from '../../../src/client/options.ts';
import { createWorld } from './world.ts';

describe('options', () => {
  test('are all optional but the channel', () => {
    expect(resolveSendOptions({ channel: 'web' })).toMatchObject({
      prefix: 'inv',
      deadlineMs: 10_000,
    });
    expect(resolveSendOptions({ channel: 'web', deadlineMs: undefined }).deadlineMs).toBe(10_000);
  });

  test('that cannot be used are all named at once', () => {
    const wrong = { channel: 'Web', prefix: '1', deadlineMs: 0, frameCommandsMax: 1_001 };
    expect(() => resolveSendOptions(wrong)).toThrow(
      /channel.*prefix.*deadlineMs.*frameCommandsMax/,
    );
    expect(() => resolveSendOptions({} as never)).toThrow(RangeError);
  });
});

test('ids are unique, valid and differ between clients', () => {
  const next = idMaker();
  const ids = Array.from({ length: 1_000 }, next);
  expect(new Set(ids).size).toBe(1_000);
  for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_.:-]{1,128}$/);
  expect(idMaker()().split('.')[0]).not.toBe(next().split('.')[0]);
});

describe('a fact', () => {
  type Message = Parameters<FactPublisher>[0];

  test('is published with its subject and message id', async () => {
    const messages: Message[] = [];
    const world = createWorld({
      channel: 'scanner-7',
      publishFact: async (message) => {
        messages.push(message);
        return { seq: 12, duplicate: false };
      },
    });
    const stored = await world.client.publishFact('receive', {
      id: 'f-1',
      sku: 'BANK CHARGES',
      qty: 2,
    });
    expect(stored).toEqual({ id: 'f-1', seq: 12, duplicate: false });
    expect(messages[0]).toMatchObject({
      stream: 'INV_FACTS',
      subject: 'inv.fact.scanner-7.receive.BANK=20CHARGES',
      messageId: 'scanner-7.BANK=20CHARGES.f-1',
      payload: '{"id":"f-1","sku":"BANK CHARGES","qty":2}',
    });
  });

  test('is repeated with the same message id until it is stored', async () => {
    const messages: Message[] = [];
    const world = createWorld({
      publishFact: async (message) => {
        messages.push(message);
        return messages.length < 4 ? { again: new Error('away') } : { seq: 3, duplicate: true };
      },
    });
    const stored = world.client.publishFact('sell', { sku: 'A', qty: 1 });
    await world.pass(1_000);
    expect(await stored).toMatchObject({ seq: 3, duplicate: true });
    expect(new Set(messages.map(({ messageId }) => messageId)).size).toBe(1);
  });

  test('has a deadline', async () => {
    const world = createWorld({ publishFact: async () => ({ again: new Error('away') }) });
    const failure = world.client.publishFact('sell', { sku: 'A', qty: 1 }).catch((error) => error);
    await world.pass(11_000);
    expect(await failure).toMatchObject({ code: 'deadline_exceeded', cause: { message: 'away' } });
  });

  test.each([
    ['sell', { sku: 'A', qty: 0 }],
    ['sell', { sku: 'A', qty: 1, colour: 'red' }],
    ['reserve', { sku: 'A', qty: 1 }],
  ])('that could only become a dead letter is not published: %s %o', async (verb, request) => {
    const world = createWorld();
    await expect(world.client.publishFact(verb as never, request as never)).rejects.toThrow(
      TypeError,
    );
  });
});
