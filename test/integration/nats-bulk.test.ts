// Many messages in one piece of the wire protocol arrive as if each had been published by itself.

import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { publishBulk } from '../../src/nats/bulk-publish.ts';
import { asClientHeaders, headerBlock } from '../../src/nats/headers.ts';
import { startNats, type TestNats } from '../support/nats.ts';

let server: TestNats;
let sender: NatsConnection;
let receiver: NatsConnection;

beforeAll(async () => {
  server = await startNats();
  sender = await connect({ servers: server.url });
  receiver = await connect({ servers: server.url });
});

afterAll(async () => {
  await sender?.close();
  await receiver?.close();
  await server?.stop();
});

async function received(subject: string, count: number, send: () => void): Promise<Msg[]> {
  const messages: Msg[] = [];
  const all = new Promise<void>((resolve) => {
    receiver.subscribe(subject, {
      callback: (_, message) => {
        messages.push(message);
        if (messages.length === count) resolve();
      },
    });
  });
  await receiver.flush();
  send();
  await all;
  return messages;
}

const payloads = [
  '',
  'plain',
  'Ü "€" 你好 😀',
  '{"a":"\\r\\n"}',
  'line\r\nbreak',
  'x'.repeat(100_000),
];

test('in order, with headers, whatever is in them', async () => {
  const messages = payloads.map((payload, at) => ({
    subject: `bulk.${at}`,
    payload,
    headers: headerBlock({ 'Nats-Msg-Id': `id-${at}`, Number: at }),
  }));
  const arrived = await received('bulk.*', payloads.length + 2, () => {
    sender.publish('bulk.before', 'first');
    publishBulk(sender, messages);
    sender.publish('bulk.after', 'last', { headers: asClientHeaders(headerBlock({ A: 1 })) });
  });
  expect(arrived.map(({ subject }) => subject)).toEqual([
    'bulk.before',
    ...messages.map(({ subject }) => subject),
    'bulk.after',
  ]);
  expect(arrived.slice(1, -1).map((message) => message.string())).toEqual(payloads);
  expect(arrived[3]?.headers?.get('Nats-Msg-Id')).toBe('id-2');
});

test('thousands at once', async () => {
  const headers = headerBlock({ A: 'b' });
  const messages = Array.from({ length: 5_000 }, (_, at) => ({
    subject: 'many',
    payload: `${at} ${'ä'.repeat(at % 50)}`,
    headers,
  }));
  const arrived = await received('many', messages.length, () => publishBulk(sender, messages));
  expect(arrived.map((message) => message.string())).toEqual(
    messages.map(({ payload }) => payload),
  );
});

test('one that is larger than the server takes is refused by name, and nothing breaks', async () => {
  const headers = headerBlock({ A: 'b' });
  const large = { subject: 'large', payload: 'x'.repeat(sender.info?.max_payload ?? 0), headers };
  expect(() => publishBulk(sender, [large])).toThrow(/max_payload/);
  await sender.flush();
  expect(sender.isClosed()).toBe(false);
});

test('the client takes ready bytes: the quick way is the one that is taken', () => {
  const { protocol } = sender as unknown as { protocol?: { sendCommand?: unknown } };
  expect(protocol?.sendCommand).toBeTypeOf('function');
});
