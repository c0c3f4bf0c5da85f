// Where a CPU profile says that the time went, by function, without what functions call.

export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface HotSpot {
  readonly where: string;
  readonly ms: number;
  /** Of the time that was not idle. */
  readonly share: number;
}

export function hottest(profile: CpuProfile, count: number): HotSpot[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const micros = new Map<string, number>();
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) ?? '?';
    micros.set(name, (micros.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0));
  }
  micros.delete('(idle)');
  let total = 0;
  for (const value of micros.values()) total += value;
  return [...micros]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([where, value]) => ({ where, ms: value / 1_000, share: value / total }));
}

function nameOf(frame: CpuProfile['nodes'][number]['callFrame']): string {
  const { functionName, url, lineNumber } = frame;
  if (url === '') return functionName;
  return `${functionName || '(anonymous)'} ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`;
}
