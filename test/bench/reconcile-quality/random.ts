// Seeded randomness of the generated worlds (mulberry32, Tommy Ettinger; public domain).

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Whole number, both ends included. */
  int(least: number, most: number): number;
  chance(probability: number): boolean;
  /** Time until the next of events that come `perHour` on average, in milliseconds. */
  gapMs(perHour: number): number;
  /** Log-normal with the given median and spread (sigma of the logarithm). */
  logNormal(median: number, sigma: number): number;
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return {
    next,
    int: (least, most) => least + Math.floor(next() * (most - least + 1)),
    chance: (probability) => next() < probability,
    gapMs: (perHour) => (-Math.log(1 - next()) / perHour) * 3_600_000,
    logNormal: (median, sigma) => median * Math.exp(sigma * normal()),
  };
}
