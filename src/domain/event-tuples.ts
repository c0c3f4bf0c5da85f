/** The codes of event types in the journal. Never renumbered, never used again. */
export const eventCodes = {
  'stock.received': 1,
  'stock.sold': 2,
  'stock.restocked': 3,
  'stock.adjusted': 4,
  'stock.counted': 5,
  'stock.corrected': 6,
  'stock.transferred': 7,
  'reservation.created': 8,
  'reservation.renewed': 9,
  'reservation.prepared': 10,
  'reservation.held': 11,
  'reservation.confirmed': 12,
  'reservation.released': 13,
  'reservation.expired': 14,
  'availability.out': 15,
  'availability.low': 16,
  'availability.back': 17,
  'shortfall.raised': 18,
  'shortfall.cleared': 19,
  'policy.changed': 20,
  'escrow.lent': 21,
  'escrow.used': 22,
  'escrow.returned': 23,
  'escrow.lost': 24,
} as const;

export type EventCode = (typeof eventCodes)[keyof typeof eventCodes];
