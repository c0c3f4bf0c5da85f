/** Ids for commands whose caller has none: unique to the client, short, and cheap to make. */

import { randomBytes } from 'node:crypto';

/** Makes the maker: 96 random bits name the client, a counter the command. */
export function idMaker(prefix = randomBytes(12).toString('base64url')): () => string {
  let counter = 0;
  return () => `${prefix}.${(++counter).toString(36)}`;
}
