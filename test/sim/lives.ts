/** Every SKU's life in a run, walked once and shared by the checkers. */

import { type JournalView, readJournal } from './journal-view.ts';
import type { Request } from './model/asked.ts';
import { type FindRequests, type Life, walk } from './model/walk.ts';
import type { RunRecord } from './run-record.ts';

export interface Lives {
  readonly journal: JournalView;
  readonly bySku: ReadonlyMap<string, Life>;
  /** What clients meant by their ids, for one SKU. */
  readonly find: (sku: string) => FindRequests;
}

const known = new WeakMap<RunRecord, Lives>();

export function livesOf(run: RunRecord): Lives {
  let lives = known.get(run);
  if (!lives) {
    lives = walkAll(run);
    known.set(run, lives);
  }
  return lives;
}

function walkAll(run: RunRecord): Lives {
  const journal = readJournal(run.world);
  const requests = new Map<string, Request[]>();
  const add = (sku: unknown, request: Request) => {
    const key = `${sku} ${request.channel}/${request.payload.id}`;
    const list = requests.get(key) ?? [];
    list.push(request);
    requests.set(key, list);
  };
  for (const { channel, verb, payload, kind } of run.intents) {
    if (kind === 'sku') add(payload.sku, { channel, verb, payload });
  }
  for (const { source, verb, sku, payload } of run.facts) {
    add(sku, { channel: source, verb, payload: { ...payload, fact: true } });
  }
  const find = (sku: string) => (channel: string, id: string) =>
    requests.get(`${sku} ${channel}/${id}`) ?? [];
  const bySku = new Map<string, Life>();
  for (const [sku, commits] of journal.skus) {
    bySku.set(sku, walk(sku, commits, run.terms, find(sku)));
  }
  return { journal, bySku, find };
}
