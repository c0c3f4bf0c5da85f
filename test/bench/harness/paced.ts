// Work at a fixed rate, whether what came before has ended or not: a system that stands still for a second has kept a
// second's worth of callers waiting.

/**
 * Starts `one` when it is due, `perSecond` times a second, until `isOver` says so; resolves when all have ended. `one`
 * is told when it was due, by `performance.now()`.
 */
export function paced(
  perSecond: number,
  isOver: (sent: number) => boolean,
  one: (dueAt: number) => Promise<void>,
): Promise<void> {
  const startedAt = performance.now();
  let sent = 0;
  let pending = 0;
  const start = async (dueAt: number) => {
    pending += 1;
    await one(dueAt);
    pending -= 1;
  };
  return new Promise((resolve) => {
    const tick = () => {
      const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1_000);
      for (; sent < due && !isOver(sent); sent++)
        void start(startedAt + (sent * 1_000) / perSecond);
      if (!isOver(sent) || pending > 0) setTimeout(tick, 1);
      else resolve();
    };
    tick();
  });
}
