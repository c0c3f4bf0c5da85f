/**
 * What goes wrong, and how often. Every fault that happens is counted by its kind, so that a search
 * can say which kinds it has covered; after `stop` nothing goes wrong any more.
 */

import type { Random } from './random.ts';

/** Faults of a single call or message, by the kind of their effect. */
export const callFaults = [
  /** A call never reaches the server. */
  'request-lost',
  /** Applied, and the answer is lost. */
  'reply-lost',
  /** Reaches the server after its caller has given up. */
  'request-late',
  /** Much slower than usual, and still answered. */
  'slow',
  /** 10164: not stored, and nobody else wrote. */
  'append-busy',
  /** `read` hands over a part and fails. */
  'read-cut',
  /** A derived write arrives in part. */
  'sink-torn',
  /** A hint about a change never comes. */
  'hint-lost',
  'message-lost',
  'message-doubled',
  'message-delayed',
] as const;

/** The same, drawn after everything else: seeds that were found before they were known keep their meaning. */
export const newerCallFaults = [
  /** A direct read is answered by a replica that lags behind. */
  'replica-stale',
] as const;

/** Faults that befall a process or the servers for a while. */
export const worldFaults = [
  'node-crashed',
  'node-paused',
  'node-stopped',
  'node-disconnected',
  'clock-jumped',
  'leader-changed',
  'members-expired',
  'server-away',
] as const;

/** Faults of an ERP that is reconciled with. */
export const erpFaults = [
  /** A document is not posted, posted twice, posted later than promised. */
  'erp-lost',
  'erp-doubled',
  'erp-late',
  /** The ERP knows of something that we hear of later or never. */
  'erp-hidden',
  /** A snapshot lacks lines. */
  'erp-partial',
  /** An older snapshot is fetched, or one that has been compared. */
  'erp-stale',
  'erp-unreachable',
  /** Several reconcilers believe to be the only one. */
  'erp-split',
] as const;

export type CallFault = (typeof callFaults)[number] | (typeof newerCallFaults)[number];
export type WorldFault = (typeof worldFaults)[number];
export type ErpFault = (typeof erpFaults)[number];
export type FaultKind = CallFault | WorldFault | ErpFault;

export const faultKinds: readonly FaultKind[] = [
  ...callFaults,
  ...newerCallFaults,
  ...worldFaults,
  ...erpFaults,
];

export class Faults {
  readonly counts = new Map<FaultKind, number>();
  readonly #random: Random;
  readonly #rates: Partial<Record<CallFault, number>>;
  #stopped = false;

  constructor(random: Random, rates: Partial<Record<CallFault, number>>) {
    this.#random = random;
    this.#rates = rates;
  }

  /** Whether this one call is hit; counts it if so. */
  strikes(kind: CallFault): boolean {
    const rate = this.#rates[kind] ?? 0;
    if (rate === 0 || this.#stopped || !this.#random.chance(rate)) return false;
    this.count(kind);
    return true;
  }

  count(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  stop(): void {
    this.#stopped = true;
  }
}
