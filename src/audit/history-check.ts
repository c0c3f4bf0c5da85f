/**
 * The published history against the fold: no gap in a SKU's versions, none twice, the same events. What has been
 * dropped by age at its beginning is no gap.
 */

import type { Findings } from './report.ts';
import { checksumWith, type SkuFold } from './sku-fold.ts';
import type { AuditEvent } from './tuples.ts';

export interface HistoryMessage {
  readonly sku: string;
  readonly events: readonly AuditEvent[];
}

interface Seen {
  readonly first: number;
  last: number;
  checksum: number;
}

export class HistoryCheck {
  events = 0;
  readonly #skus: ReadonlyMap<string, SkuFold>;
  readonly #findings: Findings;
  readonly #seen = new Map<string, Seen>();

  constructor(skus: ReadonlyMap<string, SkuFold>, findings: Findings) {
    this.#skus = skus;
    this.#findings = findings;
  }

  add({ sku, events }: HistoryMessage): void {
    for (const event of events) {
      this.events += 1;
      const seen = this.#seen.get(sku);
      if (seen === undefined) {
        const checksum = checksumWith(0, event);
        this.#seen.set(sku, { first: event.version, last: event.version, checksum });
        continue;
      }
      if (event.version !== seen.last + 1) {
        this.#differs(sku, `version ${event.version} follows version ${seen.last}`);
      }
      seen.last = event.version;
      const fold = this.#skus.get(sku);
      if (fold !== undefined && event.version <= fold.version) {
        seen.checksum = checksumWith(seen.checksum, event);
      }
    }
  }

  /** Compares what can be compared, and returns the SKUs whose history is behind the fold. */
  behind(): string[] {
    const late: string[] = [];
    for (const [sku, fold] of this.#skus) {
      const seen = this.#seen.get(sku);
      if (seen === undefined || seen.last < fold.version) late.push(sku);
      else if (seen.first === 1 && seen.checksum !== fold.checksum) {
        this.#differs(sku, 'the events are not those of the journal');
      }
    }
    return late;
  }

  #differs(sku: string, what: string): void {
    this.#findings.add({ kind: 'history', where: 'history', sku, what });
  }
}
