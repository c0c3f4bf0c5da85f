/** Names of the contract, written again from its text and not from the code that is tested. */

/** Every UTF-8 byte outside `A–Z a–z 0–9 _ -` becomes `=HH`. */
export function skuKeyOf(sku: string): string {
  let key = '';
  for (const byte of new TextEncoder().encode(sku)) {
    const char = String.fromCharCode(byte);
    key += /[A-Za-z0-9_-]/.test(char)
      ? char
      : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return key;
}

/** FNV-1a 32 over the bytes of the key, modulo the partition count. */
export function partitionOf(skuKey: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < skuKey.length; index++) {
    hash = Math.imul(hash ^ skuKey.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % partitions;
}
