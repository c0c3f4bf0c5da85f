/**
 * What is kept of a change of leaders: for each kind of question what it was answered before, which
 * troubles came in which order and for how long, and what it was answered afterwards.
 */

import type { Sample } from './probes.ts';

/** Equal troubles of one change, not necessarily one after another. Times count from the death. */
export interface Trouble {
  readonly kind: string;
  readonly count: number;
  /** When the first and the last of them were asked. */
  readonly fromMs: number;
  readonly toMs: number;
  /** How long it took to hear of them: median. */
  readonly tookMs: number;
}

export interface Course {
  readonly before: readonly string[];
  readonly troubles: readonly Trouble[];
  /** When the first question was asked that succeeded again. */
  readonly outageMs: number;
  readonly after: readonly string[];
}

/** By kind of question. */
export type Change = Readonly<Record<string, Course>>;

export interface Recording {
  /** Version of the server. */
  readonly server: string;
  /** How long the ports waited for an answer. */
  readonly timeoutMs: number;
  readonly changes: readonly Change[];
}

export function changeOf(samples: readonly Sample[], deathMs: number): Change {
  const ops = [...new Set(samples.map(({ op }) => op))].sort();
  return Object.fromEntries(
    ops.map((op) => {
      const ofOp = samples.filter((sample) => sample.op === op).sort((a, b) => a.atMs - b.atMs);
      return [op, courseOf(ofOp, deathMs)];
    }),
  );
}

function courseOf(samples: readonly Sample[], deathMs: number): Course {
  const isBefore = ({ atMs, tookMs }: Sample) => atMs + tookMs <= deathMs;
  const later = samples.filter((sample) => !isBefore(sample));
  const troubles = later.filter(({ kind }) => isTrouble(kind));
  const again = later.find(({ atMs, kind }) => atMs >= deathMs && !isTrouble(kind));
  const lastAtMs = troubles.at(-1)?.atMs ?? deathMs;
  return {
    before: kindsOf(samples.filter(isBefore)),
    troubles: kindsOf(troubles).map((kind) => {
      const equal = troubles.filter((sample) => sample.kind === kind);
      const at = (index: number) => Math.round((equal.at(index) as Sample).atMs - deathMs);
      const took = equal.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
      const tookMs = Math.round(took[took.length >> 1] ?? 0);
      return { kind, count: equal.length, fromMs: at(0), toMs: at(-1), tookMs };
    }),
    outageMs: Math.round((again?.atMs ?? Number.POSITIVE_INFINITY) - deathMs),
    after: kindsOf(later.filter(({ atMs }) => atMs > lastAtMs)),
  };
}

/** In the order of their first appearance. */
function kindsOf(samples: readonly Sample[]): string[] {
  return [...new Set(samples.map(({ kind }) => kind))];
}

/** That another append was in flight (10164) is no trouble: it is told at any time. */
function isTrouble(kind: string): boolean {
  return kind.split(' + ').some((part) => /^[a-z_ ]+: /.test(part) && !part.endsWith('10164'));
}
