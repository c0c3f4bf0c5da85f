// Snapshot pages: what is known without reading, and that a hash stands in for a page that is no longer in memory.

import { beforeEach, expect, test } from 'vitest';
import type { Snapshots } from '../../../src/ports.ts';
import type { PageEntry } from '../../../src/runtime/partition/page-entries.ts';
import { Pages } from '../../../src/runtime/partition/pages.ts';

/** Keeps values in memory and counts how often somebody reads one. */
class CountedSnapshots implements Snapshots {
  reads = 0;
  /** What answers of reads, and the storing of writes, wait for. */
  delay: Promise<void> | undefined;
  beforeStore: Promise<void> | undefined;
  #revision = 0;
  readonly #values = new Map<string, { revision: number; payload: string }>();

  async read(key: string) {
    this.reads += 1;
    const value = this.#values.get(key);
    await this.delay;
    return value;
  }

  async write(key: string, payload: string, expect: number) {
    await this.beforeStore;
    if ((this.#values.get(key)?.revision ?? 0) !== expect) return { kind: 'conflict' as const };
    const revision = ++this.#revision;
    this.#values.set(key, { revision, payload });
    return { kind: 'stored' as const, revision };
  }

  async remove() {}
}

const entry = (coversSeq: number): PageEntry => ({
  coversSeq,
  lastSeq: coversSeq,
  lastAtMs: 0,
  head: '{}',
  inline: '[]',
  pieces: 0,
});

let snapshots: CountedSnapshots;

/** One page in memory at a time. */
function openPages(relied: ReadonlyMap<number, number> = new Map()): Pages {
  const fixed = { partition: 0, pageCount: 4, pagesCachedMax: 1, ignoreStored: false };
  return new Pages(snapshots, { ...fixed, relied });
}

/** SKUs by their page. */
function skusOf(pages: Pages, page: number, count: number): string[] {
  const skus: string[] = [];
  for (let number = 0; skus.length < count; number++) {
    if (pages.pageOf(`S-${number}`) === page) skus.push(`S-${number}`);
  }
  return skus;
}

beforeEach(() => {
  snapshots = new CountedSnapshots();
});

test('a SKU that a page does not have is known to be new, also when the page has left memory', async () => {
  const pages = openPages();
  const [known = '', unknown = ''] = skusOf(pages, 0, 2);
  expect(await pages.write(0, new Map([[known, entry(5)]]))).toBe(1);
  const [other = ''] = skusOf(pages, 1, 1);
  await pages.write(1, new Map([[other, entry(6)]]));
  snapshots.reads = 0;

  expect(pages.peek(unknown)).toBeUndefined();
  expect(pages.peek(known)).toBeNull();
  expect(snapshots.reads).toBe(0);
  expect(await pages.load(known)).toEqual(entry(5));
  expect(snapshots.reads).toBe(1);
});

test('of a page that was never in memory nothing is known', async () => {
  const before = openPages();
  const [known = '', unknown = ''] = skusOf(before, 0, 2);
  await before.write(0, new Map([[known, entry(5)]]));
  const [other = ''] = skusOf(before, 1, 1);
  await before.write(1, new Map([[other, entry(6)]]));

  const pages = openPages(before.revisions);
  expect(pages.peek(unknown)).toBeNull();
  expect(await pages.load(unknown)).toBeUndefined();
  await pages.load(other);
  expect(pages.peek(unknown)).toBeUndefined();
});

test('what another writer has added is seen once the page has been read again', async () => {
  const pages = openPages();
  const [ours = '', theirs = '', third = ''] = skusOf(pages, 0, 3);
  await pages.write(0, new Map([[ours, entry(5)]]));
  const displaced = openPages(pages.revisions);
  await displaced.write(0, new Map([[theirs, entry(4)]]));

  expect(await pages.write(0, new Map([[third, entry(7)]]))).toBe(3);
  const [other = ''] = skusOf(pages, 1, 1);
  await pages.write(1, new Map([[other, entry(8)]]));
  expect(pages.peek(theirs)).toBeNull();
  expect(await pages.load(theirs)).toEqual(entry(4));
});

test('an answer that our own write has overtaken is not taken for the page', async () => {
  const pages = openPages();
  const [first = '', second = ''] = skusOf(pages, 0, 2);
  const [other = ''] = skusOf(pages, 1, 1);
  await pages.write(1, new Map([[other, entry(4)]]));
  await pages.write(0, new Map([[first, entry(5)]]));
  let store = () => {};
  snapshots.beforeStore = new Promise((resolve) => {
    store = resolve;
  });
  const writing = pages.write(0, new Map([[second, entry(6)]]));
  // The page leaves memory, and is asked for before the write is stored.
  await pages.load(other);
  let answer = () => {};
  snapshots.delay = new Promise((resolve) => {
    answer = resolve;
  });
  const loading = pages.load(first);
  store();
  await writing;
  answer();
  expect(await loading).toEqual(entry(5));
  expect(pages.peek(second)).toEqual(entry(6));
});
