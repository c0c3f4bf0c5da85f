/**
 * The journal's event tuples, read a second time. One line per code: the event's type, and what stands at each
 * place behind the common ones. Written from the format's description, not from the decoder that the nodes use.
 */

export interface Part {
  readonly location: string;
  readonly qty: number;
}

/** An event with the fields of its type, as in the published history. */
export interface AuditEvent {
  readonly type: string;
  readonly version: number;
  readonly atMs: number;
  readonly channel: string;
  readonly command: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
  readonly [field: string]: unknown;
}

/** A place is a field's name; `name!` holds locations with quantities, `name?` is a flag. */
const moved = (reference: string) => `fingerprint qty allocations! ${reference} occurredAtMs fact?`;
const changed = (detail: string) => `fingerprint delta location ${detail} occurredAtMs`;
const seen = 'availableToChannel status';
const lent = 'edge epoch lent used returned';

const layouts: Readonly<Record<number, readonly [type: string, places: string]>> = {
  1: ['stock.received', moved('ref')],
  2: ['stock.sold', moved('order')],
  3: ['stock.restocked', moved('order')],
  4: ['stock.adjusted', changed('reason')],
  5: ['stock.counted', changed('counted')],
  6: ['stock.corrected', changed('evidence')],
  7: ['stock.transferred', 'fingerprint qty from to occurredAtMs'],
  8: ['reservation.created', 'fingerprint expiresAtMs qty allocations! ref bound? cart?'],
  9: ['reservation.renewed', 'fingerprint expiresAtMs reservation heldBy retaken!'],
  10: ['reservation.prepared', 'fingerprint reservation heldBy retaken! step'],
  11: ['reservation.held', 'fingerprint expiresAtMs reservation heldBy step'],
  12: [
    'reservation.confirmed',
    'fingerprint reservation qty allocations! order heldBy released retaken!',
  ],
  13: ['reservation.released', 'fingerprint reservation qty heldBy cart?'],
  14: ['reservation.expired', 'reservation qty expiresAtMs heldBy'],
  15: ['availability.out', seen],
  16: ['availability.low', seen],
  17: ['availability.back', seen],
  18: ['shortfall.raised', 'qty atRiskCount'],
  19: ['shortfall.cleared', ''],
  20: [
    'policy.changed',
    'fingerprint safetyStock backorderMax lowStock channels quotaSet ringFenceSet',
  ],
  21: ['escrow.lent', lent],
  22: ['escrow.used', lent],
  23: ['escrow.returned', lent],
  24: ['escrow.lost', lent],
  25: ['reservation.lapsed', 'fingerprint reservation heldBy step'],
};

interface Layout {
  readonly type: string;
  readonly fields: readonly { readonly name: string; readonly kind: '' | '!' | '?' }[];
}

const parsedLayouts = new Map<number, Layout>(
  Object.entries(layouts).map(([code, [type, places]]) => [
    Number(code),
    {
      type,
      fields: places
        .split(' ')
        .filter((place) => place !== '')
        .map((place) => {
          const last = place.at(-1);
          return last === '!' || last === '?'
            ? { name: place.slice(0, -1), kind: last }
            : { name: place, kind: '' };
        }),
    },
  ]),
);

const firstPlace = 6;

/** Undefined for a code that this version does not know. */
export function readTuple(
  tuple: readonly unknown[],
  version: number,
  atMs: number,
): AuditEvent | undefined {
  const layout = parsedLayouts.get(tuple[0] as number);
  if (layout === undefined) return undefined;
  const event: Record<string, unknown> = {
    type: layout.type,
    version,
    atMs,
    channel: tuple[1],
    command: tuple[2],
    onHand: tuple[3],
    reserved: tuple[4],
    available: tuple[5],
  };
  layout.fields.forEach(({ name, kind }, index) => {
    const value = tuple[firstPlace + index];
    if (value === undefined || value === null) return;
    event[name] = kind === '!' ? partsOf(value, event.qty) : kind === '?' ? value === 1 : value;
  });
  return event as unknown as AuditEvent;
}

/** One location that has everything stands by its name; several as names and quantities in turn. */
function partsOf(value: unknown, all: unknown): Part[] {
  if (typeof value === 'string') return [{ location: value, qty: Number(all) }];
  const flat = value as readonly (string | number)[];
  return flat.flatMap((location, at) =>
    at % 2 === 0 ? [{ location: String(location), qty: Number(flat[at + 1]) }] : [],
  );
}
