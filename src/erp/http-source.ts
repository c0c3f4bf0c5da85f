/**
 * An ERP that answers a GET with its stock as JSON (or CSV). The entity tag of the last snapshot goes
 * with the next request, so that an unchanged stock costs nothing.
 */

import type { ErpFetch, ErpSource } from '../ports.ts';
import { ErpSourceError } from '../ports.ts';
import { type ContentSettings, snapshotOf } from './content.ts';

export interface HttpSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For the whole answer, body included. */
  readonly timeoutMs: number;
  readonly bytesMax: number;
  readonly content: Omit<ContentSettings, 'format'>;
}

export const defaultHttpTimeoutMs = 60_000;

export function createHttpSource(
  name: string,
  settings: HttpSettings,
  nowMs: () => number,
): ErpSource {
  let fetchedTag: string | undefined;
  let settledTag: string | undefined;

  return {
    name,
    async fetch(): Promise<ErpFetch> {
      fetchedTag = undefined;
      const fromMs = nowMs();
      const signal = AbortSignal.timeout(settings.timeoutMs);
      try {
        const response = await request(settings, settledTag, signal);
        if (response === 'unchanged') return { kind: 'none', why: 'unchanged' };
        const bytes = await readBody(response, settings.bytesMax);
        fetchedTag = response.headers.get('etag') ?? undefined;
        const format = response.headers.get('content-type')?.includes('csv') ? 'csv' : 'json';
        const content: ContentSettings = { ...settings.content, format };
        // What the body does not say: it was read between our asking and its end.
        const asOf = { asOfFromMs: fromMs, asOfToMs: nowMs() };
        const occasion = { occasion: String(fromMs), ...asOf, isWhole: saysItsLength(response) };
        const snapshot = snapshotOf(bytes, content, occasion);
        return { kind: 'snapshot', snapshot };
      } catch (error) {
        throw error instanceof ErpSourceError ? error : troubleOf(error, settings);
      }
    },
    async settle(outcome) {
      if (outcome !== 'later') settledTag = fetchedTag;
    },
    async close() {},
  };
}

async function request(
  { url, headers }: HttpSettings,
  tag: string | undefined,
  signal: AbortSignal,
): Promise<Response | 'unchanged'> {
  const response = await fetch(url, {
    headers: {
      accept: 'application/json, text/csv;q=0.9',
      ...headers,
      ...(tag === undefined ? {} : { 'if-none-match': tag }),
    },
    // Whoever can redirect us could take our authorisation elsewhere.
    redirect: 'error',
    signal,
  });
  if (response.status === 304) return 'unchanged';
  if (response.status === 200) return response;
  await response.body?.cancel();
  const isDenied = response.status === 401 || response.status === 403;
  const message = `${url} answers ${response.status}`;
  throw new ErpSourceError(isDenied ? 'forbidden' : 'unreachable', message, { isFinal: false });
}

/** The body, given up as soon as it is too large: the header may not say how long it is. */
async function readBody(response: Response, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > bytesMax) {
      const message = `the answer has more than ${bytesMax} bytes`;
      throw new ErpSourceError('too_large', message, { isFinal: true });
    }
    chunks.push(chunk);
  }
  const stated = response.headers.get('content-length');
  const isEncoded = response.headers.has('content-encoding');
  if (stated !== null && !isEncoded && Number(stated) !== size) {
    const message = `the answer ended after ${size} of ${stated} bytes`;
    throw new ErpSourceError('unreachable', message, { isFinal: false });
  }
  return Buffer.concat(chunks, size);
}

/** Without a length or chunks a body ends with the connection, whenever that is. */
function saysItsLength({ headers }: Response): boolean {
  return headers.has('content-length') || headers.get('transfer-encoding') === 'chunked';
}

function troubleOf(error: unknown, { url, timeoutMs }: HttpSettings): ErpSourceError {
  const isTimeout = error instanceof Error && error.name === 'TimeoutError';
  return isTimeout
    ? new ErpSourceError('timeout', `${url}: no answer within ${timeoutMs} ms`, { isFinal: false })
    : new ErpSourceError('unreachable', `${url}: ${reasonOf(error)}`, {
        isFinal: false,
        cause: error,
      });
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as {
    cause?: { code?: string; message?: string };
    message?: string;
  };
  return cause?.code ?? cause?.message ?? message ?? String(error);
}
