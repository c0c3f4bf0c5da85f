/** `lastunit reconcile`: a run now, and what waits for approval. The node that reconciles does the work. */

import { type Command, Option } from 'commander';
import { createBus } from '../../nats/bus.ts';
import { createReconcilePorts } from '../../nats/reconcile-ports.ts';
import { createOperator, type Operator, OrderRefusedError } from '../../reconcile/operator.ts';
import type { OpenSku, ProposalChoice, ProposalResult } from '../../reconcile/quarantine.ts';
import { reportTable } from '../../reconcile/report-table.ts';
import { name } from '../arguments.ts';
import type { Context } from '../context.ts';
import { CliError, exitStatus, failure, refusedError, usageError } from '../exit.ts';
import { printJson, tableLines } from '../output.ts';
import { withSession } from '../session.ts';
import { showTime } from '../times.ts';

interface RunGiven {
  readonly erp?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

interface ChoiceGiven {
  readonly location?: string;
  readonly source?: string;
  readonly json?: boolean;
}

/** What a run may end with and still be done. */
const fine: ReadonlySet<string> = new Set(['applied', 'dry_run', 'nothing']);

export function registerReconcile(program: Command, context: () => Context): void {
  const reconcile = program
    .command('reconcile')
    .summary('compare with the ERP now; approve what waits')
    .enablePositionalOptions()
    .description(
      'Runs one reconciliation with an ERP source of the configuration and prints its report; or looks at, approves ' +
        'and rejects what waits for approval.',
    )
    .addOption(new Option('--erp <source>', 'which source').argParser(name))
    .option('--dry-run', 'compare and report, change nothing')
    .option('--force', 'apply although the run would change more than is usual')
    .option('--json', 'print the report as JSON')
    .action((given: RunGiven) => run(given, context()));
  reconcile
    .command('report')
    .description('prints the newest report')
    .addOption(new Option('--source <name>', 'of this source only').argParser(name))
    .option('--json', 'as JSON')
    .action((given: ChoiceGiven) => report(given, context()));
  reconcile
    .command('open')
    .description('lists what waits for approval')
    .option('--json', 'one SKU per line')
    .action((given: ChoiceGiven) => open(given, context()));
  for (const what of ['approve', 'reject'] as const) {
    reconcile
      .command(what)
      .description(
        what === 'approve'
          ? 'applies what waits for approval of a SKU'
          : 'declines it, for as long as it is the same amount',
      )
      .argument('<sku>', 'the SKU, exactly as it is')
      .addOption(new Option('--location <name>', 'at this location only').argParser(name))
      .addOption(new Option('--source <name>', 'of this source only').argParser(name))
      .option('--json', 'one result per line')
      .action((sku: string, given: ChoiceGiven) => decide(what, sku, given, context()));
  }
}

async function asOperator<T>(
  context: Context,
  work: (operator: Operator) => Promise<T>,
): Promise<T> {
  return withSession(context, async ({ api, names }) => {
    const { values } = createReconcilePorts(api, names);
    try {
      return await work(createOperator(createBus(api.mux), values, names));
    } catch (error) {
      if (error instanceof OrderRefusedError) throw refusedError(error.code, error.message);
      throw error;
    }
  });
}

async function run(given: RunGiven, context: Context): Promise<void> {
  const { erp, dryRun = false, force = false } = given;
  if (erp === undefined) throw usageError('which source? Give --erp <source>');
  const { output } = context;
  output.progress(`reconciling with ${erp}`);
  const result = await asOperator(context, (operator) => operator.run(erp, { dryRun, force }));
  if (given.json === true) printJson(output, result);
  else for (const line of reportTable(result)) output.line(line);
  if (fine.has(result.outcome)) return;
  throw new CliError(
    exitStatus.refused,
    `${result.reason ?? result.outcome}: ${result.message ?? ''}`,
  );
}

async function report(given: ChoiceGiven, context: Context): Promise<void> {
  const found = await asOperator(context, (operator) => operator.latest(given.source));
  if (found === undefined) throw failure('there is no report yet');
  if (given.json === true) return printJson(context.output, found);
  for (const line of reportTable(found)) context.output.line(line);
}

async function open(given: ChoiceGiven, context: Context): Promise<void> {
  const { output } = context;
  const found = await asOperator(context, (operator) => operator.open());
  if (given.json === true) {
    for (const sku of found) printJson(output, sku);
    return;
  }
  const rows = found.flatMap(({ sku, proposals }: OpenSku) =>
    proposals.map((proposal) => ({ sku, ...proposal })),
  );
  if (rows.length === 0) return output.line('nothing waits for approval');
  for (const line of tableLines(rows, [
    { title: 'sku', value: ({ sku }) => sku },
    { title: 'location', value: ({ location }) => location },
    { title: 'correction', value: ({ delta }) => signed(delta), right: true },
    { title: 'source', value: ({ source }) => source },
    { title: 'state', value: ({ status }) => status },
    { title: 'since', value: ({ sinceMs }) => showTime(sinceMs) },
    { title: 'rests on', value: ({ evidence }) => evidence.snapshotIds.join(', ') },
  ])) {
    output.line(line);
  }
}

async function decide(
  what: 'approve' | 'reject',
  sku: string,
  given: ChoiceGiven,
  context: Context,
): Promise<void> {
  const { location, source } = given;
  const choice: ProposalChoice = {
    sku,
    ...(location === undefined ? {} : { location }),
    ...(source === undefined ? {} : { source }),
  };
  const results = await asOperator(context, (operator) => operator[what](choice));
  if (results.length === 0) throw failure(`nothing waits for approval of ${sku}`);
  const { output } = context;
  if (given.json === true) for (const result of results) printJson(output, result);
  else for (const result of results) output.line(sentence(result));
  const undone = results.filter(
    ({ outcome }) => outcome === 'failed' || outcome === 'stock_changed',
  );
  const [first] = undone;
  if (first !== undefined) {
    throw refusedError(first.code ?? first.outcome, `${undone.length} not applied`);
  }
}

function sentence({ sku, location, source, delta, outcome, code }: ProposalResult): string {
  const reasons = { stock_changed: 'a fact has come since: the next run proposes it anew' };
  const reason = code ?? reasons[outcome as keyof typeof reasons];
  const why = reason === undefined ? '' : ` (${reason})`;
  return `${sku} at ${location}: ${signed(delta)} by ${source} ${outcome}${why}`;
}

function signed(units: number): string {
  return units > 0 ? `+${units}` : String(units);
}
