/** The reports of the deployment's reconciler, heard as the events that they are published as. */

import { setTimeout as sleep } from 'node:timers/promises';
import { createNames } from '../../src/contract/subjects.ts';
import { connectNats } from '../../src/nats/connect.ts';
import type { RunReport } from '../../src/reconcile/report.ts';

export interface Reports {
  /** All so far, oldest first. */
  readonly all: readonly RunReport[];
  /** The report on a snapshot. Rejects when there is none after a while. */
  on(snapshotId: string): Promise<RunReport>;
  close(): Promise<void>;
}

const patienceMs = 120_000;

export async function hearReports(natsUrl: string, source: string): Promise<Reports> {
  const connection = await connectNats({ url: natsUrl, name: 'reconcile-day' });
  const all: RunReport[] = [];
  connection.subscribe(createNames('inv').subjects.publishedReconcile(source), {
    callback: (_error, message) => void all.push(message.json<RunReport>()),
  });
  await connection.flush();
  return {
    all,
    async on(snapshotId) {
      const giveUpMs = performance.now() + patienceMs;
      for (;;) {
        const found = all.find((report) => report.snapshot?.snapshotId === snapshotId);
        if (found !== undefined) return found;
        if (performance.now() > giveUpMs) throw new Error(`no report on ${snapshotId}`);
        await sleep(50);
      }
    },
    close: () => connection.close(),
  };
}
