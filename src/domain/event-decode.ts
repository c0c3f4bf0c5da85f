/**
 * Tuples of the journal back into events. The counterpart of `event-codec.ts`, place by place; replay
 * spends its time here, so every type is written out instead of being described in a table.
 */

import type { Allocation, AtRisk, ChannelPolicy, SkuEvent, StockStatus } from './events.ts';

/** The journal holds an event that this version cannot read: a newer one wrote it, or it is damaged. */
export class UnknownEventError extends Error {
  constructor(sku: string, version: number, code: unknown) {
    super(`${sku}: event ${version} has code ${String(code)}, which this version does not know`);
    this.name = 'UnknownEventError';
  }
}

type Tuple = readonly unknown[];

export function decodeTuple(sku: string, version: number, atMs: number, tuple: Tuple): SkuEvent {
  const channel = tuple[1] as string;
  const command = tuple[2] as string;
  const onHand = tuple[3] as number;
  const reserved = tuple[4] as number;
  const available = tuple[5] as number;
  if (tuple[0] === 8) {
    // The most frequent by far: no spreading.
    const qty = tuple[8] as number;
    return {
      type: 'reservation.created',
      version,
      atMs,
      channel,
      command,
      fingerprint: tuple[6] as number,
      qty,
      allocations: places(tuple[9], qty),
      expiresAtMs: tuple[7] as number,
      onHand,
      reserved,
      available,
      ...(tuple.length > 10 && createdExtras(tuple)),
    };
  }
  const base = { version, atMs, channel, command, onHand, reserved, available };
  const fingerprint = tuple[6] as number;
  switch (tuple[0]) {
    case 1:
      return {
        type: 'stock.received',
        ...base,
        fingerprint,
        ...movedFields(tuple),
        ...(there(tuple[9]) && { ref: tuple[9] as string }),
      };
    case 2:
    case 3:
      return {
        type: tuple[0] === 2 ? 'stock.sold' : 'stock.restocked',
        ...base,
        fingerprint,
        ...movedFields(tuple),
        ...(there(tuple[9]) && { order: tuple[9] as string }),
      };
    case 4:
      return {
        type: 'stock.adjusted',
        ...base,
        fingerprint,
        ...changedFields(tuple),
        reason: tuple[9] as string,
      };
    case 5:
      return {
        type: 'stock.counted',
        ...base,
        fingerprint,
        ...changedFields(tuple),
        counted: tuple[9] as number,
      };
    case 6:
      return {
        type: 'stock.corrected',
        ...base,
        fingerprint,
        ...changedFields(tuple),
        evidence: tuple[9] as Readonly<Record<string, unknown>>,
      };
    case 7:
      return {
        type: 'stock.transferred',
        ...base,
        fingerprint,
        qty: tuple[7] as number,
        from: tuple[8] as string,
        to: tuple[9] as string,
        ...(there(tuple[10]) && { occurredAtMs: tuple[10] as number }),
      };
    case 9:
      return {
        type: 'reservation.renewed',
        ...base,
        fingerprint,
        expiresAtMs: tuple[7] as number,
        ...holdFields(tuple, 8),
        ...(there(tuple[10]) && { retaken: places(tuple[10]) }),
      };
    case 10:
      return {
        type: 'reservation.prepared',
        ...base,
        fingerprint,
        ...holdFields(tuple, 7),
        ...(there(tuple[9]) && { retaken: places(tuple[9]) }),
        ...(there(tuple[10]) && { step: tuple[10] as number }),
      };
    case 11:
      return {
        type: 'reservation.held',
        ...base,
        fingerprint,
        expiresAtMs: tuple[7] as number,
        ...holdFields(tuple, 8),
        ...(there(tuple[10]) && { step: tuple[10] as number }),
      };
    case 12: {
      const qty = tuple[8] as number;
      return {
        type: 'reservation.confirmed',
        ...base,
        fingerprint,
        reservation: tuple[7] as string,
        qty,
        allocations: places(tuple[9], qty),
        order: tuple[10] as string,
        ...(there(tuple[11]) && { heldBy: tuple[11] as string }),
        ...(there(tuple[12]) && { released: tuple[12] as number }),
        ...(there(tuple[13]) && { retaken: places(tuple[13]) }),
      };
    }
    case 13:
      return {
        type: 'reservation.released',
        ...base,
        fingerprint,
        reservation: tuple[7] as string,
        qty: tuple[8] as number,
        ...(there(tuple[9]) && { heldBy: tuple[9] as string }),
        ...(there(tuple[10]) && { cart: true as const }),
      };
    case 14:
      return {
        type: 'reservation.expired',
        ...base,
        reservation: tuple[6] as string,
        qty: tuple[7] as number,
        expiresAtMs: tuple[8] as number,
        ...(there(tuple[9]) && { heldBy: tuple[9] as string }),
      };
    case 15:
    case 16:
    case 17:
      return {
        type: availabilityTypes[tuple[0]],
        ...base,
        availableToChannel: tuple[6] as number,
        status: tuple[7] as StockStatus,
      };
    case 18:
      return {
        type: 'shortfall.raised',
        ...base,
        qty: tuple[6] as number,
        atRiskCount: tuple[7] as number,
        atRisk: atRisk(tuple),
      };
    case 19:
      return { type: 'shortfall.cleared', ...base };
    case 20:
      return {
        type: 'policy.changed',
        ...base,
        fingerprint,
        safetyStock: tuple[7] as number,
        backorderMax: tuple[8] as number,
        lowStock: tuple[9] as number,
        channels: tuple[10] as Readonly<Record<string, ChannelPolicy>>,
        quotaSet: tuple[11] as readonly string[],
        ringFenceSet: tuple[12] as readonly string[],
      };
    case 21:
    case 22:
    case 23:
    case 24:
      return {
        type: escrowTypes[tuple[0]],
        ...base,
        edge: tuple[6] as string,
        epoch: tuple[7] as number,
        lent: tuple[8] as number,
        used: tuple[9] as number,
        returned: tuple[10] as number,
      };
    case 25:
      return {
        type: 'reservation.lapsed',
        ...base,
        fingerprint,
        ...holdFields(tuple, 7),
        step: tuple[9] as number,
      };
    default:
      throw new UnknownEventError(sku, version, tuple[0]);
  }
}

const availabilityTypes = {
  15: 'availability.out',
  16: 'availability.low',
  17: 'availability.back',
} as const;

const escrowTypes = {
  21: 'escrow.lent',
  22: 'escrow.used',
  23: 'escrow.returned',
  24: 'escrow.lost',
} as const;

function there(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function createdExtras(tuple: Tuple) {
  return {
    ...(there(tuple[10]) && { ref: tuple[10] as string }),
    ...(there(tuple[11]) && { bound: true as const }),
    ...(there(tuple[12]) && { cart: true as const }),
  };
}

function movedFields(tuple: Tuple) {
  const qty = tuple[7] as number;
  return {
    qty,
    allocations: places(tuple[8], qty),
    ...(there(tuple[10]) && { occurredAtMs: tuple[10] as number }),
    ...(there(tuple[11]) && { fact: true as const }),
  };
}

function changedFields(tuple: Tuple) {
  return {
    delta: tuple[7] as number,
    location: tuple[8] as string,
    ...(there(tuple[10]) && { occurredAtMs: tuple[10] as number }),
  };
}

function holdFields(tuple: Tuple, at: number) {
  return {
    reservation: tuple[at] as string,
    ...(there(tuple[at + 1]) && { heldBy: tuple[at + 1] as string }),
  };
}

function places(value: unknown, qty = 0): readonly Allocation[] {
  if (typeof value === 'string') return [{ location: value, qty }];
  const parts = value as readonly unknown[];
  const allocations: Allocation[] = [];
  for (let at = 0; at < parts.length; at += 2) {
    allocations.push({ location: parts[at] as string, qty: parts[at + 1] as number });
  }
  return allocations;
}

function atRisk(tuple: Tuple): readonly AtRisk[] {
  const holds: AtRisk[] = [];
  for (let at = 8; at < tuple.length; at += 3) {
    holds.push({
      channel: tuple[at] as string,
      reservation: tuple[at + 1] as string,
      qty: tuple[at + 2] as number,
    });
  }
  return holds;
}
