/**
 * Bytes to text, strictly: a file in another encoding than stated is refused instead of being read
 * with question marks in its SKUs.
 */

import { ErpSourceError } from '../ports.ts';

/** Encodings that exports are seen in; `utf-8` includes files with a byte order mark. */
export const encodings = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'iso-8859-1'] as const;
export type Encoding = (typeof encodings)[number];

/** Decodes the whole content. A byte order mark goes before the stated encoding. */
export function decodeText(bytes: Uint8Array, stated: Encoding): string {
  const encoding = byMark(bytes) ?? stated;
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    const message = `the content is not ${encoding}`;
    throw new ErpSourceError('encoding', message, { isFinal: true, cause });
  }
  // UTF-16 read as an 8-bit encoding is valid text, full of zeros.
  if (text.includes('\0')) {
    const message = `the content has zero bytes: it is not ${encoding}`;
    throw new ErpSourceError('encoding', message, { isFinal: true });
  }
  return text;
}

function byMark(bytes: Uint8Array): Encoding | undefined {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8';
  if (a === 0xff && b === 0xfe) return 'utf-16le';
  return a === 0xfe && b === 0xff ? 'utf-16be' : undefined;
}
