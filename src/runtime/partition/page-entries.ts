/**
 * The content of a snapshot page: an entry per SKU, each on a line of its own. A page is read for one of
 * its SKUs and written because some have changed, so the others stay the text that they are:
 *
 *     {"v":1,"skus":[
 *     ["MUG-0001",4711,4711,1764270000000,"{…}","[…]",0],
 *     ["MUG-0002",…]
 *     ]}
 */

const pageVersion = 1;
const head = `{"v":${pageVersion},"skus":[\n`;
const separator = ',\n';
const foot = '\n]}';

/** What a page keeps of one SKU. */
export interface PageEntry {
  /** Every event of the SKU up to this journal sequence is in the entry. */
  readonly coversSeq: number;
  /** Sequence and time of the SKU's last event. */
  readonly lastSeq: number;
  readonly lastAtMs: number;
  /** The state without its holds and remembered ids, as JSON. */
  readonly head: string;
  /** Holds and ids in the entry itself when there are few, as JSON. */
  readonly inline: string | undefined;
  /** Number of pieces stored beside the page when there are many. */
  readonly pieces: number;
}

type StoredEntry = [
  sku: string,
  ...fields: [number, number, number, string, string | null, number],
];

/** Never changed: `with` makes another one. */
export class PageEntries {
  static readonly none = new PageEntries(new Map());

  readonly #lines: ReadonlyMap<string, string>;
  /** Those that have been asked for: the same entry for the same SKU each time. */
  readonly #parsed = new Map<string, PageEntry>();

  private constructor(lines: ReadonlyMap<string, string>) {
    this.#lines = lines;
  }

  /** @throws when it is not a page, or one of a later version. */
  static decode(payload: string): PageEntries {
    if (!payload.startsWith(head) || !payload.endsWith(foot)) return decodeAnyJson(payload);
    const lines = new Map<string, string>();
    const body = payload.slice(head.length, -foot.length);
    // A newline within JSON text is escaped: every one here is between two entries.
    if (body !== '') for (const line of body.split(separator)) lines.set(skuIn(line), line);
    return new PageEntries(lines);
  }

  static of(entries: Iterable<StoredEntry>): PageEntries {
    const lines = new Map<string, string>();
    for (const entry of entries) lines.set(entry[0], JSON.stringify(entry));
    return new PageEntries(lines);
  }

  get size(): number {
    return this.#lines.size;
  }

  skus(): Iterable<string> {
    return this.#lines.keys();
  }

  get(sku: string): PageEntry | undefined {
    const known = this.#parsed.get(sku);
    if (known) return known;
    const line = this.#lines.get(sku);
    if (line === undefined) return undefined;
    const [, coversSeq, lastSeq, lastAtMs, state, inline, pieces] = JSON.parse(line) as StoredEntry;
    const entry = {
      coversSeq,
      lastSeq,
      lastAtMs,
      head: state,
      inline: inline ?? undefined,
      pieces,
    };
    this.#parsed.set(sku, entry);
    return entry;
  }

  /** These entries, and the updates in place of older ones. */
  with(updates: ReadonlyMap<string, PageEntry>): PageEntries {
    const lines = new Map(this.#lines);
    for (const [sku, { coversSeq, lastSeq, lastAtMs, head, inline, pieces }] of updates) {
      const stored: StoredEntry = [
        ...([sku, coversSeq, lastSeq, lastAtMs] as const),
        ...([head, inline ?? null, pieces] as const),
      ];
      lines.set(sku, JSON.stringify(stored));
    }
    return new PageEntries(lines);
  }

  encode(): string {
    return head + [...this.#lines.values()].join(separator) + foot;
  }
}

function skuIn(line: string): string {
  const sku = line.slice(2, line.indexOf('"', 2));
  return sku.includes('\\') ? (JSON.parse(line) as StoredEntry)[0] : sku;
}

/** Pages that were not written line by line. */
function decodeAnyJson(payload: string): PageEntries {
  const page = JSON.parse(payload) as { v: number; skus: StoredEntry[] };
  if (page.v > pageVersion) {
    throw new Error(`snapshot page has version ${page.v}; this node knows ${pageVersion}`);
  }
  return PageEntries.of(page.skus);
}
