// Looks at other processes: whether one is alive and still the same, and who was started with which
// arguments. /proc where there is one, `ps` elsewhere.
//
// A process id alone names nobody: ids are reused, after a restart of the machine or in a container soon
// and with certainty. So a process is named by its id together with when it was started.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const hasProc = existsSync('/proc/self/stat');
const pollIntervalMs = 20;

/**
 * When a process was started, as an opaque text that no other process with this id has; undefined when
 * there is no such process, or only its corpse.
 */
export function processStart(pid: number): string | undefined {
  try {
    return hasProc ? startFromProc(pid) : startFromPs(pid);
  } catch {
    return undefined;
  }
}

/** Ids of the living processes whose arguments, the program's name left out, begin with `args`. */
export function processesWithArguments(args: readonly string[]): number[] {
  return hasProc ? fromProc(args) : fromPs(args);
}

/**
 * Ends a process for certain: SIGTERM, and SIGKILL when it has not ended in time. Does nothing when it is
 * gone already.
 *
 * @returns whether it went without SIGKILL.
 */
export async function endProcess(pid: number, timeoutMs: number): Promise<boolean> {
  const start = processStart(pid);
  if (start === undefined) return true;
  signalProcess(pid, 'SIGTERM');
  if (await hasEnded(pid, start, timeoutMs)) return true;
  signalProcess(pid, 'SIGKILL');
  await hasEnded(pid, start, timeoutMs);
  return false;
}

/** Sends a signal; a process that has gone meanwhile is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function hasEnded(pid: number, start: string, timeoutMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += pollIntervalMs) {
    if (processStart(pid) !== start) return true;
    await sleep(pollIntervalMs);
  }
  return processStart(pid) !== start;
}

/** Fields 3 (state) and 22 (start, in ticks since the machine's) of proc(5); field 2 may hold blanks. */
function startFromProc(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${boot}/${fields[19]}`;
}

function startFromPs(pid: number): string | undefined {
  const [state, ...start] = ps(['-o', 'state=,lstart=', '-p', String(pid)])
    .trim()
    .split(/\s+/);
  return state === undefined || state.startsWith('Z') ? undefined : start.join(' ');
}

function fromProc(args: readonly string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const found = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').slice(1);
        return args.every((arg, index) => found[index] === arg);
      } catch {
        return false; // gone since the folder was read
      }
    })
    .map(Number);
}

function fromPs(args: readonly string[]): number[] {
  const text = ` ${args.join(' ')} `;
  return ps(['-axww', '-o', 'pid=,args='])
    .split('\n')
    .filter((line) => `${line} `.includes(text))
    .map((line) => Number.parseInt(line, 10));
}

function ps(args: readonly string[]): string {
  return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
