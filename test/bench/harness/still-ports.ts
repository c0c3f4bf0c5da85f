// Ports that cost nothing: everything succeeds at once and in memory. What is left is the node itself, so that its
// own processor time per command can be seen without a server, a disk or a network beside it.

import type {
  AppendOutcome,
  Inbound,
  JournalEntry,
  NodeRecord,
  Ports,
  StoredSnapshot,
} from '../../../src/ports.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';

export interface StillWorld {
  readonly ports: Ports;
  /** Sends a request as the bus would, and resolves with the reply. */
  request(subject: string, payload: Uint8Array): Promise<string>;
  readonly journalBytes: () => number;
  readonly derivedBytes: () => number;
}

export function createStillWorld(sinks: readonly string[]): StillWorld {
  const handlers: { subject: string; handle: (message: Inbound) => void }[] = [];
  const last = new Map<number, JournalEntry>();
  const snapshots = new Map<string, StoredSnapshot>();
  let seq = 0;
  let journalBytes = 0;
  let derivedBytes = 0;
  let nodes: NodeRecord[] = [];
  let revision = 0;
  const nothing = { unsubscribe() {}, drain: async () => {} };
  /** The next turn of the event loop: a journal is never quicker than the message that asks it. */
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  const ports: Ports = {
    clock: systemClock,
    journal: {
      async append({ partition, expect, messageId, payload }): Promise<AppendOutcome> {
        await turn();
        if ((last.get(partition)?.seq ?? 0) !== expect) return { kind: 'refused' };
        seq += 1;
        journalBytes += Buffer.from(payload).length;
        last.set(partition, { seq, messageId, storedAtMs: Date.now(), payload: '' });
        if (seq < 200) last.set(partition, { seq, messageId, storedAtMs: Date.now(), payload });
        return { kind: 'appended', seq };
      },
      async barrier(): Promise<AppendOutcome> {
        await turn();
        return { kind: 'appended', seq };
      },
      last: async (partition) => last.get(partition),
      async read(partition, { from, to }, each) {
        const entry = last.get(partition);
        if (entry && entry.seq >= from && entry.seq <= to) each(entry);
      },
      readAll: () => Promise.reject(new Error('no reconciler is measured here')),
    },
    snapshots: {
      read: async (key) => snapshots.get(key),
      async write(key, payload) {
        snapshots.set(key, { revision: ++revision, payload });
        return { kind: 'stored', revision };
      },
      remove: async () => {},
    },
    sinks: sinks.map((name) => ({
      name,
      takeOver: async () => ({ kind: 'taken', completeTo: 0 }),
      async write(_partition, entries) {
        for (const { payload } of entries) derivedBytes += Buffer.from(payload).length;
        await turn();
        return 'written';
      },
    })),
    members: {
      meta: async (wanted) => wanted,
      recordGenesis: async () => {},
      async renew(record) {
        nodes = [record];
        return { kind: 'renewed', serverNowMs: Date.now() };
      },
      leave: async () => {},
      read: async () => ({ revision: 1, nodes }),
      onChange: () => nothing,
    },
    bus: {
      serve(subject, _options, handle) {
        handlers.push({ subject: subject.replace('>', ''), handle });
        return nothing;
      },
      request: async () => new Uint8Array(),
      publish: () => {},
      ping: async () => {},
      onStatus: () => nothing,
    },
    facts: {
      read: async () => [],
      onArrival: () => nothing,
      bury: async () => {},
      forget: async () => {},
    },
  };

  return {
    ports,
    journalBytes: () => journalBytes,
    derivedBytes: () => derivedBytes,
    request: (subject, payload) =>
      new Promise((resolve) => {
        const found = handlers.find((one) => subject.startsWith(one.subject));
        found?.handle({ subject, payload, respond: resolve });
      }),
  };
}
