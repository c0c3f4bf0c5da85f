/** All commands and what `--help` says of them. One file per command; a new one is registered here. */

import { Command } from 'commander';
import { packageVersion } from '../http/package-info.ts';
import { registerAudit } from './commands/audit.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerExplain } from './commands/explain.ts';
import { registerFacts } from './commands/facts.ts';
import { registerHistory } from './commands/history.ts';
import { registerImport } from './commands/import.ts';
import { registerNode } from './commands/node.ts';
import { registerNodes } from './commands/nodes.ts';
import { registerOneShots } from './commands/one-shot.ts';
import { registerRebuild } from './commands/rebuild.ts';
import { registerStock } from './commands/stock.ts';
import { registerUp } from './commands/up.ts';
import { createContext } from './context.ts';
import { environmentHelp } from './environment.ts';

export function createProgram(): Command {
  const program = new Command('lastunit')
    .description('Inventory that never sells the last unit twice.')
    .version(packageVersion())
    .addHelpText('after', environmentHelp)
    .showHelpAfterError('(lastunit --help lists everything)')
    .exitOverride();
  program.commandsGroup('Run:');
  registerUp(program, createContext);
  registerNode(program, createContext);
  program.commandsGroup('Look:');
  registerStock(program, createContext);
  registerHistory(program, createContext);
  registerExplain(program, createContext);
  registerNodes(program, createContext);
  program.commandsGroup('Change:');
  registerImport(program, createContext);
  registerOneShots(program, createContext);
  program.commandsGroup('Look after:');
  registerAudit(program, createContext);
  registerRebuild(program, createContext);
  registerFacts(program, createContext);
  registerDoctor(program, createContext);
  // Sub-commands inherit nothing by themselves: without this, their mistakes would end the process directly.
  for (const command of program.commands) command.exitOverride();
  return program;
}
