// The SKU actor: its short way for groups in `active` is the machine's own way, only quicker.

import { describe, expect, test } from 'vitest';
import { createActor } from 'xstate';
import { type SkuMessage, skuLogic, skuMachine } from '../../../actors/sku.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import type { SkuCommand } from '../../../src/domain/commands.ts';
import { initialState } from '../../../src/domain/state.ts';

const { config } = resolveConfig({});
if (config === undefined) throw new Error('the defaults are a configuration');

const moment = { nowMs: 1_794_900_000_000, afterSeq: 7 };

const receive: SkuCommand = {
  verb: 'receive',
  channel: 'wms',
  id: 'in-1',
  sku: 'A',
  qty: 5,
  fingerprint: 1,
};

const reserve = (id: string): SkuCommand => ({
  verb: 'reserve',
  channel: 'web',
  id,
  sku: 'A',
  qty: 2,
  fingerprint: 2,
});

/** Plays groups to an actor of this logic and writes down what it tells to the outside. */
function play(logic: typeof skuMachine, groups: readonly (readonly SkuCommand[])[]) {
  const told: unknown[] = [];
  const actor = createActor(logic, {
    input: {
      sku: 'A',
      rules: config!.rules,
      alarm: { set: (sku, atMs) => told.push({ alarm: sku, atMs }) },
    },
  });
  actor.subscribe({ error: (error) => told.push({ error: (error as Error).message }) });
  actor.start();
  actor.send({ type: 'state.loaded', state: initialState('A') });
  const sink = {
    expired: (events: unknown) => told.push({ expired: events }),
    decided: (index: number, events: unknown, answer: unknown) =>
      told.push(structuredClone({ index, events, answer })),
  };
  const send = (message: SkuMessage) => actor.send(message);
  for (const commands of groups) send({ type: 'commands.received', commands, moment, sink });
  send({ type: 'idle' });
  send({ type: 'commands.received', commands: [reserve('late')], moment, sink });
  const { status, value } = actor.getSnapshot();
  return { told, status, value };
}

describe('the short way of the SKU actor', () => {
  test('decides and tells the same as the machine', () => {
    const groups = [
      [receive],
      [reserve('r-1'), reserve('r-2'), reserve('r-3')],
      [],
      [reserve('r-1')],
    ];
    const short = play(skuLogic, groups);
    expect(short).toEqual(play(skuMachine, groups));
    expect(short).toMatchObject({ status: 'active', value: 'active' });
    expect(short.told.length).toBeGreaterThan(8);
  });

  test('stops the actor with an error when deciding throws, as the machine does', () => {
    const broken = [[receive], [undefined as unknown as SkuCommand], [reserve('r-1')]];
    const short = play(skuLogic, broken);
    expect(short).toEqual(play(skuMachine, broken));
    expect(short.status).toBe('error');
  });
});
