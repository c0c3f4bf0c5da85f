/**
 * How the command ends. Commands throw; only `main.ts` ends the process.
 *
 * 1. Status 0: done. 1: refused, or it did not work. 2: wrong usage or configuration. 3: NATS cannot be reached.
 * 2. A failure is one sentence on standard error that says what to do; a stack trace is our own bug.
 */

import { CommanderError } from 'commander';
import { EmbeddedServerError } from '../nats/embedded-error.ts';
import { PortError } from '../ports.ts';

export const exitStatus = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

/** Ends the command with a status and a sentence; the lines are printed below it as they are. */
export class CliError extends Error {
  readonly status: ExitStatus;
  readonly lines: readonly string[];

  constructor(status: ExitStatus, message: string, lines: readonly string[] = []) {
    super(message);
    this.name = 'CliError';
    this.status = status;
    this.lines = lines;
  }
}

/** The arguments or the environment make no sense. */
export function usageError(message: string, lines: readonly string[] = []): CliError {
  return new CliError(exitStatus.usage, message, lines);
}

/** Refused by the system: `code` is one of the contract's. */
export function refusedError(code: string, message: string): CliError {
  return new CliError(exitStatus.refused, `${code}: ${message}`);
}

/** It was tried and did not work. */
export function failure(message: string, lines: readonly string[] = []): CliError {
  return new CliError(exitStatus.refused, message, lines);
}

/** What to print for whatever a command has thrown, and the status to end with. */
export interface Ending {
  readonly status: number;
  /** For standard error; nothing where commander has printed already. */
  readonly text?: string;
}

export function endingOf(error: unknown): Ending {
  if (error instanceof CommanderError) {
    // `--help` and `--version` end with 0; everything else that commander finds is wrong usage.
    return { status: error.exitCode === 0 ? exitStatus.done : exitStatus.usage };
  }
  if (error instanceof CliError) {
    return {
      status: error.status,
      text: [`lastunit: ${error.message}`, ...error.lines].join('\n'),
    };
  }
  if (error instanceof EmbeddedServerError) {
    return { status: exitStatus.refused, text: `lastunit: ${error.message}` };
  }
  if (error instanceof PortError) return { status: statusOf(error), text: sentenceFor(error) };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { status: exitStatus.refused, text: `lastunit: unexpected error\n${text}` };
}

function statusOf(error: PortError): ExitStatus {
  return error.code === 'misconfigured' ? exitStatus.refused : exitStatus.unreachable;
}

function sentenceFor(error: PortError): string {
  const advice: Readonly<Record<PortError['code'], string>> = {
    disconnected: 'start it with `lastunit up`, or set LASTUNIT_NATS_URL to where it is',
    timeout: 'is NATS overloaded, or without a leader? Try again',
    no_responders: 'is a node running? `lastunit up` or `lastunit node` starts one',
    unavailable: 'try again in a moment',
    misconfigured: 'check the configuration and the permissions of this user',
  };
  return `lastunit: ${error.message} (${advice[error.code]})`;
}
