// What happens in three days at 900 ledgers, whatever anybody's inventory system thinks of it. Nothing
// here knows lastunit: no import from `src`, and lags, losses and clocks are drawn from distributions
// that break the settings which the policies are given (postings later than the longest lag).

import { createRandom, type Random } from './random.ts';

export const hourMs = 3_600_000;
export const minuteMs = 60_000;

export interface WorldShape {
  readonly ledgers: number;
  readonly hours: number;
  /** The posting lag that policies are told; `lateShare` of the postings take longer. */
  readonly statedLagMs: number;
  readonly lateShare: number;
  readonly lostShare: number;
  readonly doubledShare: number;
  /** Thefts, breakages and finds per ledger and day, which only the ERP's count discovers. */
  readonly hiddenPerDay: number;
}

export const defaultShape: WorldShape = {
  ledgers: 900,
  hours: 72,
  statedLagMs: 45 * minuteMs,
  lateShare: 0.025,
  lostShare: 0.004,
  doubledShare: 0.003,
  hiddenPerDay: 0.15,
};

/** Somebody wants units, or units come in. Whether a sale happens depends on who believes what. */
export interface Movement {
  readonly atMs: number;
  readonly kind: 'online' | 'store' | 'return' | 'receipt';
  readonly lane: string;
  readonly qty: number;
  readonly document: string;
  /** How much later the inventory system hears of it (offline stores). */
  readonly heardAfterMs: number;
  /** Error of the source's clock. */
  readonly clockErrorMs: number;
  /** When the ERP posts it, after it happened: none if lost, two if doubled. */
  readonly postedAfterMs: readonly number[];
}

/** Stock that vanishes or appears, and the ERP's count that finds out. */
export interface Hidden {
  readonly atMs: number;
  readonly delta: number;
  readonly countedAtMs: number;
}

export interface Ledger {
  readonly name: string;
  readonly opening: number;
  readonly movements: readonly Movement[];
  readonly hidden: readonly Hidden[];
}

export interface World {
  readonly shape: WorldShape;
  readonly ledgers: readonly Ledger[];
  /** Share of postings later than the stated lag, as drawn. */
  readonly lateShare: number;
}

/** An interval in which a store has no line to the inventory system. */
interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
}

const stores = ['pos-1', 'pos-2', 'pos-3', 'pos-4'];

export function createWorld(seed: number, shape: WorldShape = defaultShape): World {
  const random = createRandom(seed);
  const offline = new Map(stores.map((store) => [store, outagesOf(random, shape, 0.5, 1, 6)]));
  // Hours in which a lane's interface to the ERP hangs; what it holds is posted when it runs again.
  const stuck = new Map(
    ['web', ...stores].map((lane) => [lane, outagesOf(random, shape, 0.2, 0.5, 4)]),
  );
  const ledgers = Array.from({ length: shape.ledgers }, (_, i) =>
    createLedger(`L-${i}`, random, shape, offline, stuck),
  );
  const posted = ledgers.flatMap((ledger) =>
    ledger.movements.flatMap((m) => m.postedAfterMs[0] ?? []),
  );
  const late = posted.filter((afterMs) => afterMs > shape.statedLagMs);
  return { shape, ledgers, lateShare: late.length / posted.length };
}

function outagesOf(
  random: Random,
  shape: WorldShape,
  perDay: number,
  leastHours: number,
  mostHours: number,
): readonly Outage[] {
  const outages: Outage[] = [];
  for (let atMs = random.gapMs(perDay / 24); atMs < shape.hours * hourMs; ) {
    const toMs = atMs + (leastHours + random.next() * (mostHours - leastHours)) * hourMs;
    outages.push({ fromMs: atMs, toMs });
    atMs = toMs + random.gapMs(perDay / 24);
  }
  return outages;
}

function createLedger(
  name: string,
  random: Random,
  shape: WorldShape,
  offline: ReadonlyMap<string, readonly Outage[]>,
  stuck: ReadonlyMap<string, readonly Outage[]>,
): Ledger {
  // Most SKUs sell a few units a day, a few sell many an hour.
  const perHour = Math.min(12, random.logNormal(0.15, 1.3));
  const store = stores[random.int(0, stores.length - 1)]!;
  const opening = Math.max(1, Math.round(perHour * 24 * (0.5 + random.next() * 1.5)));
  const endMs = shape.hours * hourMs;
  const movements: Movement[] = [];
  const add = (atMs: number, kind: Movement['kind'], lane: string, qty: number) => {
    const outage = offline.get(lane)?.find((o) => atMs >= o.fromMs && atMs < o.toMs);
    movements.push({
      atMs,
      kind,
      lane,
      qty,
      document: `${name}-${movements.length}`,
      heardAfterMs: outage === undefined ? 0 : outage.toMs - atMs + random.int(0, 5) * minuteMs,
      clockErrorMs: Math.round((random.next() - 0.5) * 90_000),
      postedAfterMs: postings(random, shape, atMs, stuck.get(lane) ?? []),
    });
  };
  for (let atMs = random.gapMs(perHour); atMs < endMs; atMs += random.gapMs(perHour)) {
    const isOnline = random.chance(0.6);
    const qty = random.chance(0.8) ? 1 : random.int(2, 4);
    add(atMs, isOnline ? 'online' : 'store', isOnline ? 'web' : store, qty);
    if (random.chance(0.04)) add(atMs + random.gapMs(0.1), 'return', store, 1);
  }
  // Lean deliveries: about what is sold, so that stock runs out now and then.
  for (let atMs = random.gapMs(1 / 24); atMs < endMs; atMs += random.gapMs(1 / 24)) {
    add(atMs, 'receipt', 'wms', Math.max(1, Math.round(perHour * 24 * (0.5 + random.next()))));
  }
  movements.sort((a, b) => a.atMs - b.atMs);
  const hidden: Hidden[] = [];
  const hiddenPerHour = shape.hiddenPerDay / 24;
  for (let atMs = random.gapMs(hiddenPerHour); atMs < endMs; atMs += random.gapMs(hiddenPerHour)) {
    const delta = random.chance(0.85) ? -random.int(1, 5) : random.int(1, 3);
    hidden.push({ atMs, delta, countedAtMs: atMs + random.gapMs(1 / 6) });
  }
  return { name, opening, movements: movements.filter((m) => m.atMs < endMs), hidden };
}

function postings(
  random: Random,
  shape: WorldShape,
  atMs: number,
  stuck: readonly Outage[],
): readonly number[] {
  if (random.chance(shape.lostShare)) return [];
  let afterMs = Math.min(shape.statedLagMs, random.logNormal(5 * minuteMs, 0.7));
  if (random.chance(shape.lateShare)) afterMs = shape.statedLagMs * (1 + random.next() * 5);
  const hanging = stuck.find((o) => atMs + afterMs >= o.fromMs && atMs + afterMs < o.toMs);
  if (hanging !== undefined) afterMs = hanging.toMs - atMs;
  if (!random.chance(shape.doubledShare)) return [afterMs];
  return [afterMs, afterMs + random.logNormal(10 * minuteMs, 1)];
}
