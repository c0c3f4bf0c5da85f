/**
 * The memory behind holds and remembered ids: fixed records of 128 bytes in packed chunks, without an
 * object per hold. Hundreds of thousands of holds then cost the garbage collector nothing, and a
 * record is two cache lines. This file owns layout, slots and the text of ids; who finds what under
 * which key is the business of `records.ts`.
 */

import type { Allocation } from './events.ts';
import { RecordFlag, RecordKind } from './record-layout.ts';

const recordBytes = 128;
const numbersPerRecord = 16;
const wordsPerRecord = 32;
const halvesPerRecord = 64;
const wordHash = 18;
const wordPrevious = 19;
const wordNext = 20;
const halfChannel = 42;
const halfLocation = 43;
const byteKind = 88;
const byteFlags = 89;
const byteIdLength = 90;
const byteId = 92;
/** A UUID fits; longer ids are kept beside. */
const idBytesMax = recordBytes - byteId;

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

interface Chunk {
  readonly numbers: Float64Array;
  readonly words: Int32Array;
  readonly halves: Uint16Array;
  readonly bytes: Uint8Array;
}

/** Slots of records; a slot stays the same for as long as its record lives. */
export class RecordStore {
  private chunks: Chunk[] = [];
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
      const begin = (slot & chunkMask) * recordBytes;
      this.chunk(slot).bytes.fill(0, begin, begin + recordBytes);
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
    return this.chunk(slot).numbers[(slot & chunkMask) * numbersPerRecord + field] as number;
  }
  setNumber(slot: number, field: number, value: number): void {
    this.chunk(slot).numbers[(slot & chunkMask) * numbersPerRecord + field] = value;
  }

  hash(slot: number): number {
    return this.word(slot, wordHash);
  }
  setHash(slot: number, value: number): void {
    this.setWord(slot, wordHash, value);
  }
  previous(slot: number): number {
    return this.word(slot, wordPrevious);
  }
  setPrevious(slot: number, value: number): void {
    this.setWord(slot, wordPrevious, value);
  }
  next(slot: number): number {
    return this.word(slot, wordNext);
  }
  setNext(slot: number, value: number): void {
    this.setWord(slot, wordNext, value);
  }

  channel(slot: number): number {
    return this.chunk(slot).halves[(slot & chunkMask) * halvesPerRecord + halfChannel] as number;
  }
  setChannel(slot: number, value: number): void {
    this.chunk(slot).halves[(slot & chunkMask) * halvesPerRecord + halfChannel] = value;
  }
  location(slot: number): number {
    return this.chunk(slot).halves[(slot & chunkMask) * halvesPerRecord + halfLocation] as number;
  }
  setLocation(slot: number, value: number): void {
    this.chunk(slot).halves[(slot & chunkMask) * halvesPerRecord + halfLocation] = value;
  }

  kind(slot: number): number {
    return this.byte(slot, byteKind);
  }
  setKind(slot: number, value: number): void {
    this.setByte(slot, byteKind, value);
  }
  flags(slot: number): number {
    return this.byte(slot, byteFlags);
  }
  setFlags(slot: number, value: number): void {
    this.setByte(slot, byteFlags, value);
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
    const { bytes } = this.chunk(slot);
    const begin = (slot & chunkMask) * recordBytes;
    let widest = 0;
    if (id.length <= idBytesMax) {
      for (let at = 0; at < id.length; at += 1) {
        const code = id.charCodeAt(at);
        widest |= code;
        bytes[begin + byteId + at] = code;
      }
    }
    if (id.length > idBytesMax || widest > 0x7f) {
      this.setBeside(slot, RecordFlag.longId, { id });
    } else {
      bytes[begin + byteIdLength] = id.length;
    }
  }

  id(slot: number): string {
    if ((this.flags(slot) & RecordFlag.longId) !== 0) return this.beside(slot)?.id ?? '';
    const { bytes } = this.chunk(slot);
    const begin = (slot & chunkMask) * recordBytes;
    const from = begin + byteId;
    const length = bytes[begin + byteIdLength] as number;
    return String.fromCharCode.apply(
      null,
      bytes.subarray(from, from + length) as unknown as number[],
    );
  }

  hasId(slot: number, id: string): boolean {
    const { bytes } = this.chunk(slot);
    const begin = (slot & chunkMask) * recordBytes;
    if (((bytes[begin + byteFlags] as number) & RecordFlag.longId) !== 0) {
      return this.beside(slot)?.id === id;
    }
    if (bytes[begin + byteIdLength] !== id.length) return false;
    for (let at = 0; at < id.length; at += 1) {
      if (bytes[begin + byteId + at] !== id.charCodeAt(at)) return false;
    }
    return true;
  }

  /** A store with the same content that later changes of this one do not reach. */
  copy(): RecordStore {
    const copy = new RecordStore();
    copy.chunks = this.chunks.map((chunk) => chunkOver(chunk.bytes.buffer.slice(0) as ArrayBuffer));
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
    if (old !== undefined) chunk.bytes.set(old.bytes);
    this.chunks = [chunk];
    this.capacity = records;
  }

  private chunk(slot: number): Chunk {
    return this.chunks[slot >>> chunkBits] as Chunk;
  }
  private word(slot: number, index: number): number {
    return this.chunk(slot).words[(slot & chunkMask) * wordsPerRecord + index] as number;
  }
  private setWord(slot: number, index: number, value: number): void {
    this.chunk(slot).words[(slot & chunkMask) * wordsPerRecord + index] = value;
  }
  private byte(slot: number, index: number): number {
    return this.chunk(slot).bytes[(slot & chunkMask) * recordBytes + index] as number;
  }
  private setByte(slot: number, index: number, value: number): void {
    this.chunk(slot).bytes[(slot & chunkMask) * recordBytes + index] = value;
  }
}

function chunkOf(records: number): Chunk {
  return chunkOver(new ArrayBuffer(records * recordBytes));
}

function chunkOver(buffer: ArrayBuffer): Chunk {
  return {
    numbers: new Float64Array(buffer),
    words: new Int32Array(buffer),
    halves: new Uint16Array(buffer),
    bytes: new Uint8Array(buffer),
  };
}
