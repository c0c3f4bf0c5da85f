/**
 * The fingerprint of a command: 53 bits that tell a repetition from another use of the same id
 * (invariant 7). Fields are summed, so their order does not matter and nothing is sorted or
 * serialised. Not cryptographic: a channel could only ever deceive itself.
 */

/** Fields that do not belong to the meaning of a command, or are hashed by themselves. */
const apart: ReadonlySet<string> = new Set(['id', 'issuedAtMs', 'verb']);

// Two lanes of 32 bits, kept here because a function cannot return two numbers without allocating.
let laneA = 0;
let laneB = 0;

/**
 * Fingerprint of a verb and its payload. `id`, `issuedAtMs` and `verb` in the payload are left out,
 * absent and `undefined` fields are the same, `1.0` is `1`.
 */
export function fingerprintOf(verb: string, payload: object): number {
  start();
  absorbText(verb);
  absorbFields(payload as Readonly<Record<string, unknown>>, apart);
  return finish();
}

/** 53 bits of a text, where only equality will ever be asked. */
export function textFingerprint(text: string): number {
  start();
  absorbText(text);
  return finish();
}

/** 64 bits of a channel and an id, into two words that are never both zero. */
export function idLanes(channel: string, id: string, into: Uint32Array): void {
  start();
  absorbText(channel);
  absorbText(id);
  into[0] = mixed(laneA) || 1;
  into[1] = mixed(laneB);
}

function start(): void {
  laneA = 0x811c9dc5 | 0;
  laneB = 0x9e3779b9 | 0;
}

function finish(): number {
  return (mixed(laneB) >>> 11) * 0x1_0000_0000 + (mixed(laneA) >>> 0);
}

function absorb(word: number): void {
  laneA = Math.imul(laneA ^ word, 0x01000193);
  const turned = Math.imul(laneB ^ word, 0x85ebca6b);
  laneB = (turned << 13) | (turned >>> 19);
}

function absorbText(text: string): void {
  for (let at = 0; at < text.length; at += 1) absorb(text.charCodeAt(at));
  absorb(0x10000 + text.length);
}

function absorbFields(
  fields: Readonly<Record<string, unknown>>,
  without?: ReadonlySet<string>,
): void {
  const beginA = laneA;
  const beginB = laneB;
  let sumA = 0;
  let sumB = 0;
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined || without?.has(name)) continue;
    laneA = beginA;
    laneB = beginB;
    absorbText(name);
    absorbValue(value);
    sumA = (sumA + mixed(laneA)) | 0;
    sumB = (sumB + mixed(laneB)) | 0;
  }
  laneA = Math.imul(beginA ^ sumA, 0x01000193);
  laneB = Math.imul(beginB ^ sumB, 0x85ebca6b);
}

function absorbValue(value: unknown): void {
  if (typeof value === 'string') {
    absorb(1);
    absorbText(value);
  } else if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) {
      absorb(2);
      absorb(value | 0);
      absorb(Math.floor(value / 0x1_0000_0000) | 0);
    } else {
      absorb(3);
      absorbText(String(value));
    }
  } else if (Array.isArray(value)) {
    absorb(4);
    for (const item of value) absorbValue(item);
    absorb(5);
  } else if (value === null || value === undefined) {
    absorb(6);
  } else if (typeof value === 'boolean') {
    absorb(value ? 7 : 8);
  } else {
    absorb(9);
    absorbFields(value as Readonly<Record<string, unknown>>);
  }
}

/** Finaliser of MurmurHash3 (Appleby): every bit of the input reaches every bit of the result. */
function mixed(lane: number): number {
  let hash = lane ^ (lane >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
