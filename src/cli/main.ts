#!/usr/bin/env node
/** The command `lastunit`: runs what the arguments say and ends with its status. */

import { endingOf } from './exit.ts';
import { createProgram } from './program.ts';

// A closed pipe (`lastunit stock | head`) is how a reader says that it has enough.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

try {
  await createProgram().parseAsync();
} catch (error) {
  const { status, text } = endingOf(error);
  if (text !== undefined) process.stderr.write(`${text}\n`);
  process.exitCode = status;
}
// Everything has been closed by now; what a library may have left open must not keep the process.
setTimeout(() => process.exit(), 500).unref();
