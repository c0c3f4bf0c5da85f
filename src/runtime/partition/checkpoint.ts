/**
 * The checkpoint record: where replay of a partition may start. It is written after everything that
 * it relies on is stored (invariant 6): the pages, the alarms, the sinks.
 */

import type { Snapshots } from '../../ports.ts';

const checkpointVersion = 1;
const alarmsPerPiece = 5_000;
const cartsPerPiece = 1_000;

export interface Checkpoint {
  /** Events up to this journal sequence are in the pages. */
  readonly seq: number;
  /** Time of the last message up to `seq`: the partition's time never runs behind it. */
  readonly atMs: number;
  /** `INV_FACTS` sequence up to which facts had been applied (invariant 9). */
  readonly factsTo: number;
  readonly pageCount: number;
  readonly pages: ReadonlyMap<number, number>;
  /** SKUs with holds and when the earliest ends. */
  readonly alarms: readonly (readonly [string, number])[];
  /** Carts whose home the partition is, encoded. */
  readonly carts: readonly unknown[];
  readonly epoch: string;
  /** Revision of the record, for replacing it. */
  readonly revision: number;
}

interface StoredCheckpoint {
  v: number;
  seq: number;
  at: number;
  facts: number;
  pageCount: number;
  pages: [number, number][];
  alarmPieces: number;
  cartPieces: number;
  epoch: string;
}

export class CheckpointStore {
  readonly #snapshots: Snapshots;
  readonly #partition: number;

  constructor(snapshots: Snapshots, partition: number) {
    this.#snapshots = snapshots;
    this.#partition = partition;
  }

  async read(): Promise<Checkpoint | undefined> {
    const stored = await this.#snapshots.read(this.#key());
    if (!stored) return undefined;
    const record = JSON.parse(stored.payload) as StoredCheckpoint;
    if (record.v > checkpointVersion) {
      throw new Error(`checkpoint has version ${record.v}; this node knows ${checkpointVersion}`);
    }
    const alarms = await this.#readList(record.seq, 'alarms', record.alarmPieces);
    const carts = await this.#readList(record.seq, 'carts', record.cartPieces);
    // Without its alarms or carts it would forget expiries and fates: do without the checkpoint.
    if (!alarms || !carts) return undefined;
    return {
      seq: record.seq,
      atMs: record.at,
      factsTo: record.facts,
      pageCount: record.pageCount,
      pages: new Map(record.pages),
      alarms: alarms as [string, number][],
      carts,
      epoch: record.epoch,
      revision: stored.revision,
    };
  }

  /** Resolves with the record's revision, or undefined when another owner has written one. */
  async write(
    checkpoint: Omit<Checkpoint, 'revision'>,
    replaces: { readonly seq: number; readonly revision: number } | undefined,
  ): Promise<number | undefined> {
    const { seq } = checkpoint;
    const alarmPieces = await this.#writeList(seq, 'alarms', checkpoint.alarms, alarmsPerPiece);
    const cartPieces = await this.#writeList(seq, 'carts', checkpoint.carts, cartsPerPiece);
    const record: StoredCheckpoint = {
      v: checkpointVersion,
      seq: checkpoint.seq,
      at: checkpoint.atMs,
      facts: checkpoint.factsTo,
      pageCount: checkpoint.pageCount,
      pages: [...checkpoint.pages],
      alarmPieces,
      cartPieces,
      epoch: checkpoint.epoch,
    };
    const payload = JSON.stringify(record);
    let current = replaces;
    for (;;) {
      const done = await this.#snapshots.write(this.#key(), payload, current?.revision ?? 0);
      if (done.kind === 'stored') {
        if (current && current.seq !== checkpoint.seq) {
          await this.#snapshots.remove(`${this.#partition}.alarms.${current.seq}`);
          await this.#snapshots.remove(`${this.#partition}.carts.${current.seq}`);
        }
        return done.revision;
      }
      const stored = await this.#snapshots.read(this.#key());
      if (!stored) {
        current = undefined;
        continue;
      }
      const written = (JSON.parse(stored.payload) as StoredCheckpoint).seq;
      if (written > seq) return undefined;
      current = { seq: written, revision: stored.revision };
    }
  }

  #key(): string {
    return `${this.#partition}.checkpoint`;
  }

  /** A list that belongs to the checkpoint at `seq`, in pieces with names of their own. */
  async #writeList(
    seq: number,
    name: 'alarms' | 'carts',
    items: readonly unknown[],
    perPiece: number,
  ): Promise<number> {
    const pieces = Math.ceil(items.length / perPiece);
    for (let index = 0; index < pieces; index++) {
      const key = this.#listKey(seq, name, index);
      const payload = JSON.stringify(items.slice(index * perPiece, (index + 1) * perPiece));
      const done = await this.#snapshots.write(key, payload, 0);
      // A piece of this name can only be left by an attempt that did not finish: replace it.
      if (done.kind === 'conflict') {
        const left = await this.#snapshots.read(key);
        await this.#snapshots.write(key, payload, left?.revision ?? 0);
      }
    }
    return pieces;
  }

  async #readList(
    seq: number,
    name: 'alarms' | 'carts',
    pieces: number,
  ): Promise<unknown[] | undefined> {
    const items: unknown[] = [];
    for (let index = 0; index < pieces; index++) {
      const piece = await this.#snapshots.read(this.#listKey(seq, name, index));
      if (!piece) return undefined;
      for (const item of JSON.parse(piece.payload) as unknown[]) items.push(item);
    }
    return items;
  }

  #listKey(seq: number, name: 'alarms' | 'carts', index: number): string {
    return `${this.#partition}.${name}.${seq}.${index}`;
  }
}
