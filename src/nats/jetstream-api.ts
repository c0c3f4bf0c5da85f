// The few requests of the JetStream API that the adapters need, over the mux. `MSG.GET` is answered by the
// stream's leader: what decisions rest on is read here, never by direct gets, which may be stale (traps: R3).

import { PortError } from '../ports.ts';
import type { Mux } from './mux.ts';

/** Error codes of JetStream that mean something to us (`err_code`). */
export const apiError = {
  streamNotFound: 10059,
  messageNotFound: 10037,
  nameInUse: 10058,
  wrongLastSequence: 10071,
  sameExpectationInFlight: 10164,
} as const;

/** An answer of the API that is an error. */
export class ApiError extends Error {
  readonly apiCode: number;
  readonly status: number;

  constructor(subject: string, error: ApiErrorBody) {
    super(`${subject}: ${error.description ?? 'no description'} (${error.err_code ?? error.code})`);
    this.name = 'ApiError';
    this.apiCode = error.err_code ?? 0;
    this.status = error.code ?? 0;
  }
}

export interface ApiErrorBody {
  readonly code?: number;
  readonly err_code?: number;
  readonly description?: string;
}

/** A message as a stream stores it. */
export interface StoredMessage {
  readonly seq: number;
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly storedAtMs: number;
  header(name: string): string | undefined;
}

/** Parts of a stream's state that we read. */
export interface StreamInfo {
  readonly config: Readonly<Record<string, unknown>>;
  readonly state: {
    readonly first_seq: number;
    readonly last_seq: number;
    readonly messages: number;
    readonly subjects?: Readonly<Record<string, number>>;
  };
}

export type LookUp =
  | { readonly last_by_subj: string }
  | { readonly seq: number; readonly next_by_subj?: string };

export interface JetStreamApi {
  readonly mux: Mux;
  /** One request of the API; rejects with `ApiError` or `PortError`. */
  call<T>(operation: string, body?: unknown): Promise<T>;
  /** The stream's message as its leader knows it; rejects only with `PortError`. */
  message(stream: string, lookUp: LookUp): Promise<StoredMessage | undefined>;
  /** The stream's state, or undefined if there is no such stream. */
  info(stream: string, subjectsFilter?: string): Promise<StreamInfo | undefined>;
  /** Subject of an operation, for requests with several replies. */
  subject(operation: string): string;
}

export interface JetStreamApiOptions {
  /** JetStream domain to speak to, when it is not the server's own. */
  readonly domain?: string | undefined;
  /** Default: 5000. */
  readonly timeoutMs?: number | undefined;
}

/** Reads are repeated within the time limit. */
const readAttemptsMax = 3;

/** Makes the API's client. */
export function createJetStreamApi(mux: Mux, options: JetStreamApiOptions = {}): JetStreamApi {
  const root = options.domain === undefined ? '$JS.API.' : `$JS.${options.domain}.API.`;
  const timeoutMs = options.timeoutMs ?? 5_000;

  async function call<T>(operation: string, body?: unknown, limitMs = timeoutMs): Promise<T> {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const reply = await mux.request(root + operation, payload, { timeoutMs: limitMs });
    const answer = JSON.parse(reply.text()) as T & { error?: ApiErrorBody };
    if (answer.error !== undefined) throw new ApiError(operation, answer.error);
    return answer;
  }

  /** A read that reaches a leader who has just died is never answered; another one may be. */
  async function read<T>(operation: string, body?: unknown): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call<T>(operation, body, timeoutMs / readAttemptsMax);
      } catch (error) {
        const isTimeout = error instanceof PortError && error.code === 'timeout';
        if (!isTimeout || attempt === readAttemptsMax) throw error;
      }
    }
  }

  return {
    mux,
    call: (operation, body) => call(operation, body),
    subject: (operation) => root + operation,

    async message(stream, lookUp) {
      try {
        const answer = await read<{ message: RawMessage }>(`STREAM.MSG.GET.${stream}`, lookUp);
        return storedMessage(answer.message);
      } catch (error) {
        if (error instanceof ApiError && error.apiCode === apiError.messageNotFound)
          return undefined;
        throw unavailable(error);
      }
    },

    async info(stream, subjectsFilter) {
      const body = subjectsFilter === undefined ? undefined : { subjects_filter: subjectsFilter };
      try {
        return await read<StreamInfo>(`STREAM.INFO.${stream}`, body);
      } catch (error) {
        if (error instanceof ApiError && error.apiCode === apiError.streamNotFound)
          return undefined;
        throw unavailable(error);
      }
    },
  };
}

/** An API error as trouble in the world. */
export function unavailable(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const code = error.apiCode === apiError.streamNotFound ? 'misconfigured' : 'unavailable';
  return new PortError(code, error.message, { cause: error });
}

interface RawMessage {
  readonly subject: string;
  readonly seq: number;
  readonly data?: string;
  readonly hdrs?: string;
  readonly time: string;
}

function storedMessage(raw: RawMessage): StoredMessage {
  const headers = raw.hdrs === undefined ? '' : Buffer.from(raw.hdrs, 'base64').toString();
  return {
    seq: raw.seq,
    subject: raw.subject,
    payload: Buffer.from(raw.data ?? '', 'base64'),
    storedAtMs: Date.parse(raw.time),
    header: (name) => headerIn(headers, name),
  };
}

/** Value of a header in a block of text. */
export function headerIn(block: string, name: string): string | undefined {
  const at = block.indexOf(`\r\n${name}:`);
  if (at < 0) return undefined;
  const start = at + name.length + 3;
  return block.slice(start, block.indexOf('\r\n', start)).trim();
}
