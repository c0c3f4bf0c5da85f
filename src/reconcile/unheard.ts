/** What edge nodes may have sold without our knowing, by line: it lowers what the ERP may show. */

import type { EdgeExposure } from '../ports.ts';
import type { LineName } from './store/snapshot-store.ts';

export class UnheardUnits {
  readonly #units = new Map<string, LineName & { units: number }>();

  /** Counts the edges that have not been heard from since a snapshot was read. */
  constructor(exposures: readonly EdgeExposure[], asOfToMs: number) {
    for (const { sku, location, units, heardAtMs } of exposures) {
      if (heardAtMs > asOfToMs) continue;
      const key = `${location} ${sku}`;
      const known = this.#units.get(key);
      if (known === undefined) this.#units.set(key, { sku, location, units });
      else known.units += units;
    }
  }

  of({ sku, location }: LineName): number {
    return this.#units.size === 0 ? 0 : (this.#units.get(`${location} ${sku}`)?.units ?? 0);
  }

  /** The lines that have any. */
  lines(): readonly LineName[] {
    return [...this.#units.values()];
  }
}
