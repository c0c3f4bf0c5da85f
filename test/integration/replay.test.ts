// The replay of a transactions file: every view agrees with sums that were made from the file alone.

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkPlan } from '../../scripts/replay/check.ts';
import { type Local, startLocal } from '../../scripts/replay/local.ts';
import { readPlan } from '../../scripts/replay/plan.ts';
import { runPlan, sellingChannels } from '../../scripts/replay/run.ts';
import { type Client, connectClient } from '../../src/client/index.ts';
import { createNames } from '../../src/contract/subjects.ts';
import { connectNats } from '../../src/nats/connect.ts';
import { createJetStreamApi } from '../../src/nats/jetstream-api.ts';
import { createMux } from '../../src/nats/mux.ts';
import { createReadModels, type ReadModels } from '../../src/nats/read-models.ts';
import { testConfig } from '../support/node.ts';

const file = fileURLToPath(new URL('../fixtures/transactions.csv', import.meta.url));

let local: Local;
let selling: Client[];
let warehouse: Client;
let models: ReadModels;
let close: () => Promise<void>;

beforeAll(async () => {
  local = await startLocal(testConfig());
  const connectAs = (channel: string) => connectClient({ servers: local.url, channel });
  selling = await Promise.all(sellingChannels.map(connectAs));
  warehouse = await connectAs('wms');
  const connection = await connectNats({ url: local.url, name: 'test' });
  const mux = createMux(connection);
  models = createReadModels(createJetStreamApi(mux), createNames('inv'));
  close = async () => {
    mux.close();
    await connection.close();
  };
});

afterAll(async () => {
  await close?.();
  await Promise.all([...(selling ?? []), warehouse].map((client) => client?.close()));
  await local?.stop();
});

test('invoices, returns and write-offs leave every view with the sums of the file', async () => {
  const plan = await readPlan(file);
  const options = { concurrency: 64, name: 'test', onProgress: () => {} };
  const run = await runPlan(plan, { selling, warehouse }, options);
  expect(Object.fromEntries(run.refused)).toEqual({});
  expect(plan.expected.size).toBe(11);
  expect(await checkPlan(plan, models, sellingChannels, 20_000)).toEqual([]);

  // The same file under the same name again: every id is known, nothing happens twice.
  const again = await runPlan(plan, { selling, warehouse }, options);
  expect(Object.fromEntries(again.refused)).toEqual({});
  expect(await checkPlan(plan, models, sellingChannels, 20_000)).toEqual([]);
});
