/**
 * The memory behind holds and remembered ids: fixed records of 128 bytes in packed chunks, without an
 * object per hold. Hundreds of thousands of holds then cost the garbage collector nothing, and a
 * record is two cache lines. This file owns layout, slots and the text of ids; who finds what under
 * which key is the business of `records.ts`.
 */

import type { Allocation } from './events.ts';
import { RecordFlag, RecordKind } from './record-layout.ts';

const recordBytes = 128;
const atHash = 72;
const atPrevious = 76;
const atNext = 80;
const atChannel = 84;
const atLocation = 86;
const atKind = 88;
const atFlags = 89;
const atIdLength = 90;
const atId = 92;
/** A UUID fits; longer ids are kept beside. */
const idBytesMax = recordBytes - atId;

const chunkBits = 10;
const chunkRecords = 1 << chunkBits;
const chunkMask = chunkRecords - 1;
const firstChunkRecords = 4;

const besideFlags = RecordFlag.manyAllocations | RecordFlag.longId | RecordFlag.firstAllocations;

/** What does not fit into a record. */
interface Beside {
  readonly id?: string;
  readonly many?: readonly Allocation[] | undefined;
  readonly first?: readonly Allocation[];
}

/** Slots of records; a slot stays the same for as long as its record lives. */
export class RecordStore {
  /** One view each: small SKUs are many, and every object between them and a record is a miss. */
  private chunks: DataView[] = [];
  private capacity = 0;
  private untouched = 0;
  private firstFree = -1;
  /** What few records need; made when the first one does, because most SKUs are small. */
  private besides: Map<number, Beside> | undefined;

  /** Every slot in use is below it; free ones between say so by their kind. */
  get end(): number {
    return this.untouched;
  }

  /** A slot whose bytes are all zero. */
  allocate(): number {
    const slot = this.firstFree;
    if (slot >= 0) {
      this.firstFree = this.next(slot);
      const chunk = this.chunk(slot);
      const begin = beginOf(slot);
      for (let at = 0; at < recordBytes; at += 8) chunk.setFloat64(begin + at, 0);
      return slot;
    }
    if (this.untouched === this.capacity) this.grow();
    this.untouched += 1;
    return this.untouched - 1;
  }

  free(slot: number): void {
    if ((this.flags(slot) & besideFlags) !== 0) this.besides?.delete(slot);
    this.setKind(slot, RecordKind.free);
    this.setNext(slot, this.firstFree);
    this.firstFree = slot;
  }

  number(slot: number, field: number): number {
    return this.chunk(slot).getFloat64(beginOf(slot) + field * 8, true);
  }
  setNumber(slot: number, field: number, value: number): void {
    this.chunk(slot).setFloat64(beginOf(slot) + field * 8, value, true);
  }

  hash(slot: number): number {
    return this.chunk(slot).getInt32(beginOf(slot) + atHash, true);
  }
  setHash(slot: number, value: number): void {
    this.chunk(slot).setInt32(beginOf(slot) + atHash, value, true);
  }
  previous(slot: number): number {
    return this.chunk(slot).getInt32(beginOf(slot) + atPrevious, true);
  }
  setPrevious(slot: number, value: number): void {
    this.chunk(slot).setInt32(beginOf(slot) + atPrevious, value, true);
  }
  next(slot: number): number {
    return this.chunk(slot).getInt32(beginOf(slot) + atNext, true);
  }
  setNext(slot: number, value: number): void {
    this.chunk(slot).setInt32(beginOf(slot) + atNext, value, true);
  }

  channel(slot: number): number {
    return this.chunk(slot).getUint16(beginOf(slot) + atChannel, true);
  }
  setChannel(slot: number, value: number): void {
    this.chunk(slot).setUint16(beginOf(slot) + atChannel, value, true);
  }
  location(slot: number): number {
    return this.chunk(slot).getUint16(beginOf(slot) + atLocation, true);
  }
  setLocation(slot: number, value: number): void {
    this.chunk(slot).setUint16(beginOf(slot) + atLocation, value, true);
  }

  kind(slot: number): number {
    return this.chunk(slot).getUint8(beginOf(slot) + atKind);
  }
  setKind(slot: number, value: number): void {
    this.chunk(slot).setUint8(beginOf(slot) + atKind, value);
  }
  flags(slot: number): number {
    return this.chunk(slot).getUint8(beginOf(slot) + atFlags);
  }
  setFlags(slot: number, value: number): void {
    this.chunk(slot).setUint8(beginOf(slot) + atFlags, value);
  }

  /** Allocations over several locations; those in one are told by `location` and `qty`. */
  manyAllocations(slot: number): readonly Allocation[] | undefined {
    return this.beside(slot)?.many;
  }
  setManyAllocations(slot: number, allocations: readonly Allocation[] | undefined): void {
    this.setBeside(slot, RecordFlag.manyAllocations, { many: allocations });
    if (allocations !== undefined) return;
    this.setFlags(slot, this.flags(slot) & ~RecordFlag.manyAllocations);
    if ((this.flags(slot) & besideFlags) === 0) this.besides?.delete(slot);
  }
  firstAllocations(slot: number): readonly Allocation[] | undefined {
    return this.beside(slot)?.first;
  }
  setFirstAllocations(slot: number, allocations: readonly Allocation[]): void {
    this.setBeside(slot, RecordFlag.firstAllocations, { first: allocations });
  }

  setId(slot: number, id: string): void {
    const chunk = this.chunk(slot);
    const begin = beginOf(slot);
    let widest = 0;
    if (id.length <= idBytesMax) {
      for (let at = 0; at < id.length; at += 1) {
        const code = id.charCodeAt(at);
        widest |= code;
        chunk.setUint8(begin + atId + at, code);
      }
    }
    if (id.length > idBytesMax || widest > 0x7f) {
      this.setBeside(slot, RecordFlag.longId, { id });
    } else {
      chunk.setUint8(begin + atIdLength, id.length);
    }
  }

  id(slot: number): string {
    if ((this.flags(slot) & RecordFlag.longId) !== 0) return this.beside(slot)?.id ?? '';
    const chunk = this.chunk(slot);
    const begin = beginOf(slot);
    const codes: number[] = [];
    const length = chunk.getUint8(begin + atIdLength);
    for (let at = 0; at < length; at += 1) codes.push(chunk.getUint8(begin + atId + at));
    return String.fromCharCode.apply(null, codes);
  }

  hasId(slot: number, id: string): boolean {
    const chunk = this.chunk(slot);
    const begin = beginOf(slot);
    if ((chunk.getUint8(begin + atFlags) & RecordFlag.longId) !== 0) {
      return this.beside(slot)?.id === id;
    }
    if (chunk.getUint8(begin + atIdLength) !== id.length) return false;
    for (let at = 0; at < id.length; at += 1) {
      if (chunk.getUint8(begin + atId + at) !== id.charCodeAt(at)) return false;
    }
    return true;
  }

  /** A store with the same content that later changes of this one do not reach. */
  copy(): RecordStore {
    const copy = new RecordStore();
    copy.chunks = this.chunks.map((chunk) => new DataView(chunk.buffer.slice(0)));
    copy.capacity = this.capacity;
    copy.untouched = this.untouched;
    copy.firstFree = this.firstFree;
    copy.besides = this.besides === undefined ? undefined : new Map(this.besides);
    return copy;
  }

  private beside(slot: number): Beside | undefined {
    return (this.flags(slot) & besideFlags) === 0 ? undefined : this.besides?.get(slot);
  }

  /** Replaces what is beside a record: it is never changed in place, so copies may share it. */
  private setBeside(slot: number, flag: number, part: Beside): void {
    this.besides ??= new Map();
    this.besides.set(slot, { ...this.besides.get(slot), ...part });
    this.setFlags(slot, this.flags(slot) | flag);
  }

  private grow(): void {
    if (this.capacity >= chunkRecords) {
      this.chunks.push(chunkOf(chunkRecords));
      this.capacity += chunkRecords;
      return;
    }
    const records = this.capacity === 0 ? firstChunkRecords : this.capacity * 2;
    const chunk = chunkOf(records);
    const old = this.chunks[0];
    if (old !== undefined) new Uint8Array(chunk.buffer).set(new Uint8Array(old.buffer));
    this.chunks = [chunk];
    this.capacity = records;
  }

  private chunk(slot: number): DataView {
    return this.chunks[slot >>> chunkBits] as DataView;
  }
}

/** Where a record begins in its chunk. */
function beginOf(slot: number): number {
  return (slot & chunkMask) * recordBytes;
}

function chunkOf(records: number): DataView {
  return new DataView(new ArrayBuffer(records * recordBytes));
}
