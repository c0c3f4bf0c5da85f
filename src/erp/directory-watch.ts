/**
 * Says when an export appears in a directory that was not there before, a moment later, so that whoever
 * writes it may have finished. The operating system tells, where it does (not on every network file
 * system): a hint, beside which the directory is still looked at now and then.
 */

import { type FSWatcher, watch } from 'node:fs';

/** Names that appear one after the other are told once. */
const shortestWaitMs = 500;

export class DirectoryWatch {
  readonly #path: string;
  readonly #waitMs: number;
  readonly #list: () => Promise<readonly string[]>;
  readonly #appeared: () => void;
  #watcher: FSWatcher | undefined;
  #known: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;

  /** `settleMs`: how long a file must not have changed before it is read; `list`: names of the exports. */
  constructor(
    path: string,
    settleMs: number,
    list: () => Promise<readonly string[]>,
    appeared: () => void,
  ) {
    this.#path = path;
    this.#waitMs = Math.max(shortestWaitMs, settleMs);
    this.#list = list;
    this.#appeared = appeared;
  }

  /** Begins, or begins again where the directory was not there; does nothing while it watches. */
  begin(): void {
    if (this.#watcher !== undefined) return;
    try {
      const watcher = watch(this.#path, { persistent: false }, () => this.#lookSoon());
      watcher.on('error', () => this.end());
      this.#watcher = watcher;
      this.#lookSoon();
    } catch {
      // There is no such directory yet: the next fetch will say so, and begin again.
    }
  }

  /** What is still there is told again: it could not be taken yet, or not all at once. */
  tellAgain(): void {
    if (this.#watcher === undefined) return;
    this.#known = new Set();
    this.#lookSoon();
  }

  end(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #lookSoon(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#look(), this.#waitMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    // What cannot be listed is for the next fetch to report.
    const names = await this.#list().catch(() => []);
    if (this.#watcher === undefined) return;
    const isNew = names.some((name) => !this.#known.has(name));
    this.#known = new Set(names);
    if (isNew) this.#appeared();
  }
}
