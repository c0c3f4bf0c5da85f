/**
 * Names of SKUs outside the domain: the skuKey (a token for subjects and keys) and the partition that
 * a SKU belongs to. Both are fixed for the journal's life.
 */

const plainName = /^[A-Za-z0-9_-]+$/;
const keyShape = /^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/;
const hexDigits = '0123456789ABCDEF';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The SKU as a subject token: every UTF-8 byte outside `A–Z a–z 0–9 _ -` becomes `=HH`. */
export function skuKeyOf(sku: string): string {
  if (plainName.test(sku)) return sku;
  let key = '';
  for (const byte of encoder.encode(sku)) {
    key += isPlain(byte)
      ? String.fromCharCode(byte)
      : `=${hexDigits[byte >> 4]}${hexDigits[byte & 15]}`;
  }
  return key;
}

/** The SKU behind a skuKey; undefined for what `skuKeyOf` never makes. */
export function skuOf(skuKey: string): string | undefined {
  if (plainName.test(skuKey)) return skuKey;
  if (!keyShape.test(skuKey)) return undefined;
  const bytes: number[] = [];
  for (let at = 0; at < skuKey.length; at += 1) {
    if (skuKey[at] === '=') {
      bytes.push(Number.parseInt(skuKey.slice(at + 1, at + 3), 16));
      at += 2;
    } else {
      bytes.push(skuKey.charCodeAt(at));
    }
  }
  try {
    const sku = decoder.decode(Uint8Array.from(bytes));
    return skuKeyOf(sku) === skuKey ? sku : undefined;
  } catch {
    return undefined;
  }
}

/** FNV-1a, 32 bits, over the bytes of an ASCII text (Fowler, Noll, Vo). */
export function fnv1a32(ascii: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < ascii.length; at += 1) {
    hash = Math.imul(hash ^ ascii.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}

/** The same partition as nats-server's `{{partition(n, …)}}` computes over the skuKey token. */
export function partitionOf(skuKey: string, partitions: number): number {
  return fnv1a32(skuKey) % partitions;
}

function isPlain(byte: number): boolean {
  return (
    (byte >= 48 && byte <= 57) ||
    (byte >= 65 && byte <= 90) ||
    (byte >= 97 && byte <= 122) ||
    byte === 95 ||
    byte === 45
  );
}
