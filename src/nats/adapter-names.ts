// Names that only the adapters use, beside those of the contract: the streams behind buckets, the subjects that
// fence derived data (see sinks.ts), and where the facts' stream tells that a fact has been stored.

import { keyValueSubject, type Names } from '../contract/subjects.ts';

/** The stream that a KV client expects behind a bucket. */
export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}

/** `inv.mark.<sink>.<partition>`: who may write a sink's share of a partition, and how far it is complete. */
export function markSubject(names: Names, sink: string, partition: number | '*'): string {
  return `${names.prefix}.mark.${sink}.${partition}`;
}

/** What a bucket is republished to, for the adapters' own subscriptions. */
export function nodesRepublish(names: Names): { readonly src: string; readonly dest: string } {
  return {
    src: keyValueSubject(names.buckets.nodes, '>'),
    dest: `${names.prefix}.pub.nodes.>`,
  };
}

/** Announces facts once they are stored, without their payload. */
export function factsRepublish(names: Names): {
  readonly src: string;
  readonly dest: string;
  readonly headers_only: boolean;
} {
  return {
    src: `${names.prefix}.fact.>`,
    dest: `${names.prefix}.pub.fact.>`,
    headers_only: true,
  };
}
