/** One at a time, in the order of asking: runs of several sources share one database. */
export class Turn {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is our turn, with what ends it. */
  async take(): Promise<() => void> {
    const before = this.#last;
    let end = () => {};
    this.#last = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    return end;
  }
}
