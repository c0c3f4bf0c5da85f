/**
 * The life of a serving process: what has been opened is closed in reverse order, once, whoever asks for it and
 * however far the start has come.
 *
 * 1. SIGINT and SIGTERM close; a second signal counts only after `patienceMs`, because npm and a terminal both
 *    pass on the same Ctrl-C.
 * 2. What is opened after closing has begun is closed at once.
 * 3. Closing ends: what does not close in `closeMaxMs` is left to the process's end.
 */

import { setTimeout as sleep } from 'node:timers/promises';

export interface Lifetime {
  /** Has this closed at the end, before everything that was registered earlier. */
  onClose(close: () => Promise<void> | void): Promise<void>;
  /** Closes everything. `cause` is why, if it is a failure; the first one counts. */
  end(cause?: unknown): void;
  readonly ending: boolean;
  /** Settles when everything is closed: resolves after a signal, rejects with the cause of a failure. */
  readonly ended: Promise<void>;
}

const patienceMs = 3_000;
const closeMaxMs = 8_000;

/** Listens to the process's signals until the end. `stopping` is called when closing begins. */
export function createLifetime(stopping: (why: string) => void): Lifetime {
  const closers: (() => Promise<void> | void)[] = [];
  let endingSince: number | undefined;
  let cause: unknown;
  let finish: () => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const ended = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  // Whoever starts may fail before anybody waits for the end.
  ended.catch(() => {});

  async function closeAll(): Promise<void> {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
      try {
        // The timer also keeps the process alive: what is being closed may wait on nothing that does.
        const limit = new AbortController();
        const tooLong = sleep(closeMaxMs, undefined, { signal: limit.signal }).catch(() => {});
        await Promise.race([close(), tooLong]);
        limit.abort();
      } catch (error) {
        cause ??= error;
      }
    }
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    if (cause === undefined) finish();
    else fail(cause);
  }

  function begin(why: string): void {
    endingSince = performance.now();
    stopping(why);
    void closeAll();
  }

  function onSignal(signal: NodeJS.Signals): void {
    if (endingSince === undefined) begin(signal);
    else if (performance.now() - endingSince > patienceMs) process.exit(1);
  }

  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);

  return {
    async onClose(close) {
      if (endingSince === undefined) closers.push(close);
      else await close();
    },
    end(reason) {
      // What fails while everything is being closed, fails because of that.
      if (endingSince !== undefined) return;
      cause = reason;
      begin(reason === undefined ? 'end' : 'failure');
    },
    get ending() {
      return endingSince !== undefined;
    },
    ended,
  };
}
