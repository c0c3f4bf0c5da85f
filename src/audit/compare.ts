/**
 * Compares what others say of a SKU at some version with the fold. What is newer than the fold waits until the fold
 * has come as far; what is older is handed back, to be read again.
 */

import { explainChannel, type ViewChannel } from './channel-view.ts';
import type { Difference, Findings } from './report.ts';
import type { SkuFold } from './sku-fold.ts';

export type Told = Readonly<Record<string, unknown>> & {
  readonly sku: string;
  readonly version: number;
};

/** Somebody's statement about one SKU. */
export interface Statement {
  readonly kind: Difference['kind'];
  readonly where: string;
  readonly told: Told;
  /** What is wrong with it at its own version; nothing: it is right. */
  readonly check: (fold: SkuFold) => string | undefined;
  /** Written only when something visible changes: an older version may still be right. */
  readonly mayBeOlder: boolean;
}

export type Outcome = 'compared' | 'ahead' | 'behind';

export class Comparison {
  readonly #findings: Findings;
  readonly #ahead = new Map<string, Statement[]>();
  #aheadCount = 0;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Statements that are newer than the fold. */
  get ahead(): number {
    return this.#aheadCount;
  }

  /** Compares now, or keeps it for later. `behind` is the caller's to read again. */
  take(statement: Statement, fold: SkuFold | undefined): Outcome {
    const { told } = statement;
    const version = fold?.version ?? 0;
    if (told.version > version) {
      const list = this.#ahead.get(told.sku) ?? [];
      list.push(statement);
      this.#ahead.set(told.sku, list);
      this.#aheadCount += 1;
      return 'ahead';
    }
    if (fold === undefined) return 'compared';
    if (told.version === version || statement.mayBeOlder) {
      const wrong = statement.check(fold);
      if (wrong === undefined) return 'compared';
      if (told.version === version) {
        this.differs(statement, wrong);
        return 'compared';
      }
    }
    return 'behind';
  }

  /** The fold has come to another version: compares what waited for it. */
  reached(fold: SkuFold): void {
    const waiting = this.#ahead.get(fold.sku);
    if (waiting === undefined) return;
    const left = waiting.filter((statement) => {
      if (statement.told.version > fold.version) return true;
      this.#aheadCount -= 1;
      const wrong = statement.check(fold);
      if (wrong !== undefined) this.differs(statement, wrong);
      return false;
    });
    if (left.length === 0) this.#ahead.delete(fold.sku);
    else this.#ahead.set(fold.sku, left);
  }

  /** What the fold has never reached: it tells of versions that the journal does not have. */
  closeAhead(): void {
    for (const statements of this.#ahead.values()) {
      for (const statement of statements) {
        this.differs(
          statement,
          `is at version ${statement.told.version}, which is not in the journal`,
        );
      }
    }
    this.#ahead.clear();
    this.#aheadCount = 0;
  }

  differs(statement: Pick<Statement, 'kind' | 'where' | 'told'>, what: string): void {
    this.#findings.add({
      kind: statement.kind,
      where: statement.where,
      sku: statement.told.sku,
      what,
    });
  }
}

/** A row of `inv_stock`, or the answer of an actor: they have the same numbers. */
export function checkStock(told: Told, available: number | undefined) {
  return (fold: SkuFold): string | undefined => {
    const expected: Record<string, unknown> = {
      onHand: fold.onHand,
      reserved: fold.reserved,
      safetyStock: fold.safetyStock,
      reservations: fold.openHolds,
      available: available ?? fold.available,
    };
    for (const [field, value] of Object.entries(expected)) {
      if (told[field] !== value) return `${field} is ${String(told[field])}, should be ${value}`;
    }
    return checkPlaces(told, fold);
  };
}

function checkPlaces(told: Told, fold: SkuFold): string | undefined {
  const places = told.locations as Readonly<Record<string, { onHand: number; reserved: number }>>;
  for (const [name, { onHand, reserved }] of fold.places) {
    const place = places[name] ?? { onHand: 0, reserved: 0 };
    if (place.onHand !== onHand || place.reserved !== reserved) {
      return `${name} has ${place.onHand}, ${place.reserved} reserved, should have ${onHand}, ${reserved} reserved`;
    }
  }
  const strange = Object.keys(places).find((name) => !fold.places.has(name));
  return strange === undefined ? undefined : `${strange} is not a location of this SKU`;
}

/** An actor's answer is the channel's that asked. */
export function checkActor(told: Told, channel: ViewChannel) {
  return (fold: SkuFold): string | undefined =>
    checkStock(told, explainChannel(fold, channel).available)(fold);
}

/** A row of `inv_view_<channel>`. */
export function checkView(told: Told, channel: ViewChannel) {
  return (fold: SkuFold): string | undefined => {
    const { available } = explainChannel(fold, channel);
    if (told.available !== available) {
      return `available is ${String(told.available)}, should be ${available}`;
    }
    const possible = statuses(fold, available);
    if (possible.includes(String(told.status))) return undefined;
    return `status is ${String(told.status)}, should be ${possible.join(' or ')}`;
  };
}

function statuses(fold: SkuFold, available: number): string[] {
  if (available > 0) return [available <= fold.lowStock ? 'low_stock' : 'in_stock'];
  return fold.backorderMax > 0 ? ['backorder', 'out_of_stock'] : ['out_of_stock'];
}
