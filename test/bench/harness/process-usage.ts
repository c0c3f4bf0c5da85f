// What a process has used, as the operating system tells (Linux; elsewhere NaN).

import { readFileSync } from 'node:fs';

/** Clock ticks per second of /proc; 100 on every Linux that we know. */
const ticksPerSecond = 100;

/** User and system time since the process began, all threads. */
export function cpuSecondsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return Number.NaN;
  }
}

/** As `cpuSecondsOf`, with the processes that it has started and that still run. */
export function cpuSecondsOfTree(pid: number): number {
  let children: number[] = [];
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    if (text !== '') children = text.split(' ').map(Number);
  } catch {
    return Number.NaN;
  }
  return children.reduce((sum, child) => sum + cpuSecondsOfTree(child), cpuSecondsOf(pid));
}

/** Resident memory now and at its highest, in megabytes. */
export function memoryOf(pid: number): { readonly now: number; readonly most: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const megabytes = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1_024;
    return { now: megabytes('VmRSS'), most: megabytes('VmHWM') };
  } catch {
    return { now: Number.NaN, most: Number.NaN };
  }
}
