// Rows and history as JSON: the contract's fields, nothing that only the journal needs.

import { describe, expect, test } from 'vitest';
import { historyMessage, stockRowOf, viewRowOf } from '../../../src/contract/rows.ts';
import type { SkuEvent } from '../../../src/domain/events.ts';
import { initialState, newChannelState, type SkuState } from '../../../src/domain/state.ts';
import { settings } from './requests-of.ts';

const at = { asOfSeq: 900, updatedAtMs: 1_794_900_000_000 };
const web = settings.rules.channels.get('web')!;

function stateWith(change: Partial<SkuState>): SkuState {
  const locations = [
    { name: 'main', onHand: 10, reserved: 3 },
    { name: 'store-1', onHand: 2, reserved: 0 },
  ];
  return {
    ...initialState('AB "1"'),
    ...{ known: true, version: 42, onHand: 12, reserved: 3, safetyStock: 1, locations },
    ...change,
  };
}

test('a stock row shows the totals and every location', () => {
  expect(JSON.parse(stockRowOf(stateWith({}), at))).toEqual({
    ...{ sku: 'AB "1"', onHand: 12, reserved: 3, available: 8, safetyStock: 1 },
    locations: { main: { onHand: 10, reserved: 3 }, 'store-1': { onHand: 2, reserved: 0 } },
    ...{ reservations: 0, version: 42, ...at },
  });
});

describe('a view row', () => {
  test('shows what this channel may still sell', () => {
    const channel = { ...newChannelState('web'), buffer: 2 };
    const row = viewRowOf(stateWith({ channels: [channel] }), web, at);
    expect(JSON.parse(row.payload)).toEqual({
      ...{ sku: 'AB "1"', available: 6, status: 'in_stock', version: 42 },
      ...at,
    });
  });

  test('is the same to look at until available or status changes', () => {
    const row = viewRowOf(stateWith({}), web, at);
    const later = { asOfSeq: 901, updatedAtMs: at.updatedAtMs + 1 };
    expect(viewRowOf(stateWith({ version: 43 }), web, later).visible).toBe(row.visible);
    expect(viewRowOf(stateWith({ reserved: 4 }), web, at).visible).not.toBe(row.visible);
    expect(viewRowOf(stateWith({ lowStock: 100 }), web, at).visible).not.toBe(row.visible);
  });
});

test('a history message shows events without their fingerprints', () => {
  const base = { channel: 'web', onHand: 12, reserved: 0, available: 12 };
  const shown = [
    {
      ...{ type: 'stock.received', version: 1, atMs: 5, command: 'i-1', qty: 12 },
      allocations: [{ location: 'main', qty: 12 }],
      ref: 'PO "5"',
      ...base,
    },
    { type: 'availability.back', version: 2, atMs: 5, command: '', ...base, availableToChannel: 9 },
  ];
  const events = [{ ...shown[0], fingerprint: 99, occurredAtMs: undefined }, shown[1]];
  const json = historyMessage('AB "1"', events as unknown as SkuEvent[]);
  expect(JSON.parse(json)).toEqual({ sku: 'AB "1"', events: shown });
});
