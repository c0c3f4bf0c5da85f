/** All commands and what `--help` says of them. One file per command; a new one is registered here. */

import { Command } from 'commander';
import { packageVersion } from '../http/package-info.ts';
import { registerAudit } from './commands/audit.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerErp } from './commands/erp.ts';
import { registerExplain } from './commands/explain.ts';
import { registerFacts } from './commands/facts.ts';
import { registerHistory } from './commands/history.ts';
import { registerImport } from './commands/import.ts';
import { registerNode } from './commands/node.ts';
import { registerNodes } from './commands/nodes.ts';
import { registerOneShots } from './commands/one-shot.ts';
import { registerRebuild } from './commands/rebuild.ts';
import { registerReconcile } from './commands/reconcile.ts';
import { registerStock } from './commands/stock.ts';
import { registerUp } from './commands/up.ts';
import { type Context, createContext } from './context.ts';
import { environmentHelp } from './environment.ts';

/** `context` is asked for when a command runs; tests pass their own. */
export function createProgram(context: () => Context = createContext): Command {
  const program = new Command('lastunit')
    .description('Inventory that never sells the last unit twice.')
    .version(packageVersion())
    .addHelpText('after', environmentHelp)
    .showHelpAfterError('(lastunit --help lists everything)')
    // An option belongs to the command before it: `reconcile open --json` is not `reconcile --json`.
    .enablePositionalOptions()
    .exitOverride();
  program.commandsGroup('Run:');
  registerUp(program, context);
  registerNode(program, context);
  program.commandsGroup('Look:');
  registerStock(program, context);
  registerHistory(program, context);
  registerExplain(program, context);
  registerNodes(program, context);
  program.commandsGroup('Change:');
  registerImport(program, context);
  registerOneShots(program, context);
  program.commandsGroup('Look after:');
  registerReconcile(program, context);
  registerErp(program, context);
  registerAudit(program, context);
  registerRebuild(program, context);
  registerFacts(program, context);
  registerDoctor(program, context);
  return program;
}
