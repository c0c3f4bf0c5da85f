// Runs a callback of ours inside the NATS client. What it throws is our bug, and is raised where nobody of the client
// catches it: the client's reader would stop reading for good, without a word.

/** Calls back; an error becomes an uncaught one. */
export function guarded(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
