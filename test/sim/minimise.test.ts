/** Smaller plans: what is taken away, what stays, and that what stays is drawn as before. */

import { describe, expect, test } from 'vitest';
import { Random } from './engine/random.ts';
import { replayOf } from './failing.ts';
import { minimise, type Overrides } from './minimise.ts';
import { drawPlan, type Plan } from './plan.ts';
import { simulate } from './simulate.ts';

const drawn: Plan = { ...drawPlan(new Random(5), true), nodes: 4, clients: 7, partitions: 8 };

async function minimised(isFailing: (plan: Plan) => boolean, triesMax = 1_000) {
  let tries = 0;
  return minimise({
    plan: drawn,
    overrides: {},
    fails: async (overrides) => {
      tries += 1;
      return isFailing({ ...drawn, ...overrides });
    },
    isOver: () => tries >= triesMax,
  });
}

describe('a failing plan', () => {
  test('is reduced to what the failure needs', async () => {
    const [wish] = Object.keys(drawn.wishes).filter((kind) => (drawn.wishes[kind] ?? 0) > 0);
    const { overrides, isSmallest } = await minimised((plan) => {
      return plan.nodes >= 2 && plan.skus.length >= 3 && (plan.wishes[wish as string] ?? 0) > 0;
    });
    const plan = { ...drawn, ...overrides };
    expect(isSmallest).toBe(true);
    expect(plan).toMatchObject({ nodes: 2, clients: 1, partitions: 1, reconcile: null });
    expect(plan.skus).toHaveLength(3);
    expect(Object.keys(plan.wishes).filter((kind) => (plan.wishes[kind] ?? 0) > 0)).toEqual([wish]);
    expect(plan.worldFaults).toEqual({});
    expect(plan.workMs).toBeLessThan(1_000);
  });

  test('is left alone where every reduction makes the failure go away', async () => {
    const text = JSON.stringify(drawn);
    const { overrides } = await minimised((plan) => JSON.stringify(plan) === text);
    expect(overrides).toEqual({});
  });

  test('is as small as the budget allowed', async () => {
    const { isSmallest, tried } = await minimised(() => true, 3);
    expect(isSmallest).toBe(false);
    expect(tried).toBe(3);
  });

  test('is replayed by the command that is printed', () => {
    const plan: Overrides = { nodes: 2, skus: ['A'] };
    expect(replayOf(7, { plan, erp: false })).toBe(
      `npm run sim -- --seed 7 --erp no --plan '{"nodes":2,"skus":["A"]}'`,
    );
    expect(replayOf(7, { plan: {}, erp: undefined })).toBe('npm run sim -- --seed 7');
  });
});

test('an override that says what was drawn changes nothing', async () => {
  const plan = { workMs: 3_000 };
  const first = await simulate(4, { plan, erp: false });
  const again = await simulate(4, { plan: first.plan, erp: false });
  expect(again.hash).toBe(first.hash);
});

test('a client that is left out takes nobody else’s draws along', async () => {
  const asked = async (clients: number) => {
    let ids: unknown[] = [];
    const plan = { workMs: 3_000, clients, callFaults: {}, worldFaults: {} };
    await simulate(4, {
      ...{ plan, erp: false },
      onRecord: ({ intents }) => {
        ids = intents.filter(({ client }) => client === 'c1').map(({ verb }) => verb);
      },
    });
    return ids.slice(0, 5);
  };
  expect(await asked(1)).toEqual(await asked(3));
});
