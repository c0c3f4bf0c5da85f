/** A resolved configuration: no blanks, nothing left to check. Made by `resolveConfig` only. */

import type { Rules } from '../domain/rules.ts';
import type { Limits } from './defaults.ts';

/** Settings of one ERP source or edge; their folder knows what they mean and checks them. */
export type Settings = Readonly<Record<string, unknown>>;

export interface LastunitConfig {
  /** First token of every subject; streams and buckets follow it. */
  readonly prefix: string;
  /** Fixed for the journal's life. */
  readonly partitions: number;
  readonly limits: Limits;
  /** What `decide` works by: the channels, and the limits of one SKU. */
  readonly rules: Rules;
  readonly erp: { readonly sources: Readonly<Record<string, Settings>> };
  readonly edge: Settings;
}
