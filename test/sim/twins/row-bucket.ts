/** A sink's rows as somebody sees them who is not their owner, to find and repair what is wrong there. */

import type { RowBucket } from '../../../src/ports.ts';
import type { Link } from './link.ts';
import type { SinkState } from './sinks.ts';

export function rowBucketTwin(link: Link, state: SinkState): RowBucket {
  const ask = <T>(what: string, apply: () => T) =>
    link.ask('sinks', `${state.name} ${what}`, apply);
  return {
    name: state.name,
    async scan(after, each) {
      const rows = await ask(`scanned after ${after}`, () =>
        state.rows.filter((row) => row.revision > after),
      );
      for (const row of rows) each(row);
    },
    extent: () =>
      ask('measured', () => ({ rows: state.rows.length, lastRevision: state.lastRevision })),
    read: (key) =>
      ask(`row ${key} read`, () => state.rows.find((candidate) => candidate.key === key)),
    replace: (key, payload, expect) =>
      link.publishPatiently('sinks', `${state.name} row ${key} replaced over ${expect}`, () =>
        state.replace(key, payload, expect),
      ),
  };
}
