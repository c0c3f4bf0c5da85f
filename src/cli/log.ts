/**
 * The process's log: lines for people where standard output is a terminal, else JSON, one object per line.
 */

import { type Logger as Pino, pino, stdSerializers } from 'pino';
import pretty from 'pino-pretty';
import type { LogLevel } from './environment.ts';

export type { Pino };

/** Writes synchronously: a line that was logged is out, also when the process is killed after it. */
export function createLog(level: LogLevel, isTerminal: boolean): Pino {
  const stream = isTerminal
    ? pretty({
        destination: 1,
        sync: true,
        colorize: process.env.NO_COLOR === undefined,
        translateTime: 'SYS:HH:MM:ss',
        ignore: 'demo,hint',
        singleLine: true,
      })
    : pino.destination({ fd: 1, sync: true });
  return pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err },
    },
    stream,
  );
}

/** The same log for lines that must not be filtered out, such as `ready`. */
export function always(log: Pino): Pino {
  return log.level === 'silent' ? log : log.child({}, { level: 'info' });
}
