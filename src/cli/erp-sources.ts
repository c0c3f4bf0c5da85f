/** The ERP sources of the configuration, checked wholly and made ready; none is the common case. */

import { checkSource, createErpSource } from '../erp/factory.ts';
import { configuredSources, type ReadySource } from '../reconcile/configured.ts';
import type { Context } from './context.ts';
import { usageError } from './exit.ts';

/** Throws a `CliError` (wrong usage) with every problem, or with the variable that is not set. */
export function erpSources({ config, configPath }: Context): ReadySource[] {
  const { sources, problems } = configuredSources(config.erp.sources, checkSource);
  if (problems.length > 0) {
    throw usageError(
      `the configuration ${configPath} has problems:`,
      problems.map((line) => `  ${line}`),
    );
  }
  return sources.map(({ name, settings, fields }) => {
    try {
      const surroundings = { nowMs: Date.now, environment: process.env };
      return { erp: createErpSource(name, fields, surroundings), settings };
    } catch (error) {
      if (error instanceof RangeError) throw usageError(`ERP source ${name}: ${error.message}`);
      throw error;
    }
  });
}
