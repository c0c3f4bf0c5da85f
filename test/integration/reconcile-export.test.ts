// What an ERP has to post, by both of the README's ways: the export, and a durable consumer of the history.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  csvRow,
  type ExportedMovement,
  exportMovements,
} from '../../src/reconcile/movements-export.ts';
import { startNats, type TestNats } from '../support/nats.ts';
import { connectChannel, startNode, type TestChannel, type TestNode } from '../support/node.ts';
import { repoRoot } from '../support/source-text.ts';

let server: TestNats;
let node: TestNode;
let channel: TestChannel;

beforeAll(async () => {
  server = await startNats();
  node = await startNode({ url: server.url });
  channel = await connectChannel(server.url);
  const happened: [string, string, object][] = [
    ['wms', 'receive', { qty: 10, ref: 'delivery-1' }],
    ['wms', 'receive', { qty: 5, location: 'store-1' }],
    ['web', 'reserve', { qty: 3 }],
    ['web', 'confirm', { reservation: 'c-2', order: 'order-1' }],
    ['pos', 'sell', { qty: 1, order: 'order-2', location: 'store-1' }],
    ['web', 'restock', { qty: 1, order: 'order-1' }],
    ['wms', 'adjust', { delta: -2, reason: 'damage' }],
    ['wms', 'count', { counted: 5 }],
    ['wms', 'transfer', { qty: 2, from: 'main', to: 'store-1' }],
    ['web', 'reserve', { qty: 1 }],
    ['reconciler', 'correct', { delta: -1, evidence: { asOfSeq: 1_000_000, source: 'sap' } }],
  ];
  for (const [i, [by, verb, fields]] of happened.entries()) {
    const command = { id: `c-${i}`, sku: 'POSTED, "1"', ...fields };
    expect(await channel.request(`inv.cmd.${by}.${verb}`, command)).toMatchObject({ ok: true });
  }
});

afterAll(async () => {
  await channel?.close();
  await node?.stop();
  await server?.stop();
});

/** Signed units by lane, document and location. */
type Posted = readonly (readonly [string, string, string, number])[];

const expected: Posted = [
  ['wms', 'delivery-1', 'main', 10],
  ['wms', 'c-1', 'store-1', 5],
  ['web', 'order-1', 'main', -3],
  ['pos', 'order-2', 'store-1', -1],
  ['web', 'order-1', 'main', 1],
  ['wms', 'c-6', 'main', -2],
  ['wms', 'c-7', 'main', -1],
  ['wms', 'c-8', 'main', -2],
  ['wms', 'c-8', 'store-1', 2],
];

test('the export has every movement once, signed, with its document, and none of our corrections', async () => {
  const movements: ExportedMovement[] = [];
  const { journal } = node.nats.ports;
  const range = { partitions: node.nats.provisioned.partitions, sinceMs: 0 };
  const count = await exportMovements(journal, range, (one) => void movements.push(one));
  const posted = movements.map(({ lane, document, location, delta }) => {
    return [lane, document, location, delta] as const;
  });
  expect(posted).toEqual(expected);
  expect(count).toBe(expected.length);
  expect(new Set(movements.map(({ id }) => id)).size).toBe(expected.length);
  expect(csvRow(movements[0]!)).toMatch(/,"POSTED, ""1""",main,10,\d+,\d+,wms,delivery-1,/);
  const later = { ...range, sinceMs: Date.now() + 60_000 };
  expect(await exportMovements(journal, later, () => {})).toBe(0);
});

interface Event {
  readonly type: string;
  readonly channel: string;
  readonly command: string;
  readonly order?: string;
  readonly ref?: string;
  readonly allocations?: readonly { readonly location: string; readonly qty: number }[];
  readonly location?: string;
  readonly delta?: number;
  readonly from?: string;
  readonly to?: string;
  readonly qty?: number;
}

/** Reads events as the README says that an ERP should. */
function postedOf(event: Event): Posted {
  const { type, channel: lane, command, order, ref, allocations = [] } = event;
  const document = order ?? ref ?? command;
  const row = (location: string, units: number) => [lane, document, location, units] as const;
  switch (type) {
    case 'stock.received':
    case 'stock.restocked':
      return allocations.map(({ location, qty }) => row(location, qty));
    case 'stock.sold':
    case 'reservation.confirmed':
      return allocations.map(({ location, qty }) => row(location, -qty));
    case 'stock.adjusted':
    case 'stock.counted':
      return [row(event.location!, event.delta!)];
    case 'stock.transferred':
      return [row(event.from!, -event.qty!), row(event.to!, event.qty!)];
    default:
      return [];
  }
}

test("the README's durable consumer gives an ERP the same, and goes on where it was", async () => {
  const readme = readFileSync(join(repoRoot, 'README.md'), 'utf8');
  const block = /```json\n(\{"durable_name"[^`]+)```/.exec(readme)?.[1];
  const { api } = node.nats;
  const subject = 'CONSUMER.DURABLE.CREATE.INV_EVENTS.sap';
  await api.call(subject, { stream_name: 'INV_EVENTS', config: JSON.parse(block!) });
  const posted: (readonly [string, string, string, number])[] = [];
  const next = async () => {
    const asked = { expires: 1_000_000_000, batch: 1 };
    const reply = await channel.connection.request(
      '$JS.API.CONSUMER.MSG.NEXT.INV_EVENTS.sap',
      JSON.stringify(asked),
      // A delivered message has its own subject, by which a shared inbox does not know it.
      { timeout: 5_000, noMux: true },
    );
    if (reply.headers?.code) return false;
    const { events } = reply.json<{ events: Event[] }>();
    for (const event of events) posted.push(...postedOf(event));
    reply.respond();
    return true;
  };
  await expect
    .poll(
      async () => {
        while (await next());
        return posted.length;
      },
      { timeout: 10_000 },
    )
    .toBe(expected.length);
  expect(posted).toEqual(expected);
  const sale = { id: 'c-99', sku: 'POSTED, "1"', qty: 1, order: 'order-3' };
  expect(await channel.request('inv.cmd.web.sell', sale)).toMatchObject({ ok: true });
  await expect.poll(next, { timeout: 10_000 }).toBe(true);
  expect(posted.slice(expected.length)).toMatchObject([['web', 'order-3', expect.any(String), -1]]);
});
