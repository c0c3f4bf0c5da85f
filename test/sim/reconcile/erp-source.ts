/**
 * The ERP as one process fetches from it: over a network of its own that takes its time and fails,
 * and with answers that are sometimes old or known already. What a process has settled it need not
 * see again; another process knows nothing of that.
 */

import {
  type ErpFetch,
  type ErpLine,
  type ErpSnapshot,
  type ErpSource,
  ErpSourceError,
} from '../../../src/ports.ts';
import type { ErpFault } from '../engine/faults.ts';
import type { SimProcess } from '../engine/process.ts';
import type { Random } from '../engine/random.ts';
import type { World } from '../twins/world.ts';
import { erpSourceName } from './erp-books.ts';
import type { ErpSnapshots, ShownSnapshot } from './erp-snapshots.ts';
import type { ReconcilePlan } from './reconcile-plan.ts';

export interface ErpSourceOptions {
  readonly world: World;
  readonly process: SimProcess;
  readonly random: Random;
  readonly plan: ReconcilePlan;
  readonly snapshots: ErpSnapshots;
  /** Faults are over. */
  readonly isSettled: () => boolean;
}

/** Lines handed over at a time; between two pieces anything may happen. */
const linesPerPiece = 5;

export function erpSourceTwin(options: ErpSourceOptions): ErpSource {
  const { world, process, random, plan, snapshots, isSettled } = options;
  let fetched: string | undefined;
  let settled: string | undefined;

  const wait = (ms: number) =>
    new Promise<void>((resolve) => {
      world.timeline.after(ms, '', () => process.enter('message', 'the ERP answers', resolve));
    });
  const strikes = (kind: ErpFault, share: number) => {
    if (isSettled() || !random.chance(share)) return false;
    world.faults.count(kind);
    return true;
  };
  const fails = () => strikes('erp-unreachable', plan.unreachableShare);

  const answer = (): ErpFetch => {
    const { shown } = snapshots;
    let found = shown.at(-1);
    if (found === undefined) return { kind: 'none', why: 'absent' };
    const isOlder = strikes('erp-stale', plan.olderShare);
    if (isOlder) found = shown[Math.max(0, shown.length - random.between(2, 4))] ?? found;
    const isRepeated = strikes('erp-stale', plan.repeatedShare);
    if (found.snapshotId === settled && !isRepeated) return { kind: 'none', why: 'unchanged' };
    fetched = found.snapshotId;
    return { kind: 'snapshot', snapshot: snapshotOf(found, wait, fails) };
  };

  return {
    name: erpSourceName,
    async fetch() {
      await wait(random.between(1, 60));
      if (fails()) throw new ErpSourceError('unreachable', 'no answer', { isFinal: false });
      return answer();
    },
    async settle(outcome) {
      if (outcome !== 'later') settled = fetched;
    },
    async close() {},
  };
}

function snapshotOf(
  shown: ShownSnapshot,
  wait: (ms: number) => Promise<void>,
  fails: () => boolean,
): ErpSnapshot {
  const { snapshotId, asOfFromMs, asOfToMs, complete } = shown;
  const lines = [...shown.lines].map(([line, qty]): ErpLine => {
    const space = line.indexOf(' ');
    return { location: line.slice(0, space), sku: line.slice(space + 1), qty };
  });
  return {
    ...{ snapshotId, asOfFromMs, asOfToMs, complete, statedLines: lines.length },
    watermarks: Object.fromEntries(
      [...shown.throughMs].map(([lane, throughMs]) => [lane, { throughMs }]),
    ),
    async read(each) {
      for (let at = 0; at < lines.length; at += linesPerPiece) {
        await wait(1);
        if (at > 0 && fails()) {
          throw new ErpSourceError('timeout', 'broke off', { isFinal: false });
        }
        await each({ lines: lines.slice(at, at + linesPerPiece), refused: [] });
      }
      return { lines: lines.length, refused: 0, checksum: '' };
    },
  };
}
