/**
 * The memory behind holds and remembered ids: fixed records of 128 bytes in packed chunks, without an
 * object per hold. Hundreds of thousands of holds then cost the garbage collector nothing, and a
 * record is two cache lines. This file owns layout, slots and the text of ids; who finds what under
 * which key is the business of `records.ts`.
 */

import type { Allocation } from './events.ts';

/** Numbers of a record, by index in 8 bytes. */
export const NumberField = {
  fingerprint: 0,
  /** Version of the event that made it. */
  version: 1,
  /** Units held, or the quantity or delta of a remembered command. */
  qty: 2,
  /** When the hold was made, or the remembered command was accepted. */
  createdAtMs: 3,
  expiresAtMs: 4,
  endedAtMs: 5,
  /** Units confirmed. */
  confirmedQty: 6,
  confirmedVersion: 7,
  /** Fingerprint of the order that confirmed it. */
  order: 8,
} as const;

/** What a record is. Everything from `open` to `spent` is a hold. */
export const RecordKind = {
  free: 0,
  open: 1,
  /** A cart's line whose home is deciding: neither expires nor ends otherwise. */
  prepared: 2,
  expired: 3,
  released: 4,
  confirmed: 5,
  /** Released before it was ever made: its id can make no hold any more. */
  spent: 6,
  /** The id of an accepted command that made no hold. */
  command: 7,
} as const;

export const RecordFlag = {
  cart: 1,
  /** The location was asked for: taking the units again must not look elsewhere. */
  bound: 2,
  manyAllocations: 4,
  longId: 8,
  retaken: 16,
  /** Taken again from elsewhere: what the first acceptance said is kept beside. */
  firstAllocations: 32,
  noAllocation: 64,
} as const;

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
  private readonly longIds = new Map<number, string>();
  private readonly many = new Map<number, readonly Allocation[]>();
  private readonly first = new Map<number, readonly Allocation[]>();

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
    const flags = this.flags(slot);
    if ((flags & RecordFlag.longId) !== 0) this.longIds.delete(slot);
    if ((flags & RecordFlag.manyAllocations) !== 0) this.many.delete(slot);
    if ((flags & RecordFlag.firstAllocations) !== 0) this.first.delete(slot);
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
    return this.many.get(slot);
  }
  setManyAllocations(slot: number, allocations: readonly Allocation[] | undefined): void {
    if (allocations === undefined) {
      this.many.delete(slot);
      this.setFlags(slot, this.flags(slot) & ~RecordFlag.manyAllocations);
    } else {
      this.many.set(slot, allocations);
      this.setFlags(slot, this.flags(slot) | RecordFlag.manyAllocations);
    }
  }
  firstAllocations(slot: number): readonly Allocation[] | undefined {
    return this.first.get(slot);
  }
  setFirstAllocations(slot: number, allocations: readonly Allocation[]): void {
    this.first.set(slot, allocations);
    this.setFlags(slot, this.flags(slot) | RecordFlag.firstAllocations);
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
      this.longIds.set(slot, id);
      this.setFlags(slot, this.flags(slot) | RecordFlag.longId);
    } else {
      bytes[begin + byteIdLength] = id.length;
    }
  }

  id(slot: number): string {
    if ((this.flags(slot) & RecordFlag.longId) !== 0) return this.longIds.get(slot) ?? '';
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
      return this.longIds.get(slot) === id;
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
    for (const [slot, id] of this.longIds) copy.longIds.set(slot, id);
    for (const [slot, allocations] of this.many) copy.many.set(slot, allocations);
    for (const [slot, allocations] of this.first) copy.first.set(slot, allocations);
    return copy;
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
