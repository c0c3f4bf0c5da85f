/**
 * From the section `erp.sources` of the configuration to sources and settings: checked wholly, so that
 * every problem can be printed before anything starts.
 */

import { join, Problems } from '../config/problems.ts';
import type { ErpSource } from '../ports.ts';
import { type ReconcileSettings, resolveReconcile } from './settings.ts';

export interface ConfiguredSource<Fields> {
  readonly name: string;
  readonly settings: ReconcileSettings;
  /** Where the numbers come from; `src/erp` knows what it means. */
  readonly fields: Fields;
}

/** Checks the fields of a source that are not ours; undefined after noting a problem. */
export type CheckFields<Fields> = (
  path: string,
  fields: Readonly<Record<string, unknown>>,
  problems: Problems,
) => Fields | undefined;

/** All sources, or every problem that there is. */
export function configuredSources<Fields>(
  sources: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  check: CheckFields<Fields>,
): { readonly sources: readonly ConfiguredSource<Fields>[]; readonly problems: readonly string[] } {
  const problems = new Problems();
  const found: ConfiguredSource<Fields>[] = [];
  for (const [name, raw] of Object.entries(sources)) {
    const path = join('erp.sources', name);
    const reconcile = resolveReconcile(path, raw, problems);
    const { ours, rest } = reconcile ?? { ours: undefined, rest: raw };
    const fields = check(path, rest, problems);
    if (ours !== undefined && fields !== undefined) found.push({ name, settings: ours, fields });
  }
  return { sources: found, problems: problems.lines };
}

/** A source ready to be reconciled. */
export interface ReadySource {
  readonly erp: ErpSource;
  readonly settings: ReconcileSettings;
}
