// A sink on a replicated stream (invariant 10). There a publish is refused while another one with the same
// expectation subject is in flight (10164), so the mark cannot fence many entries at once. Instead every key
// guards itself: an entry expects its own key's last sequence, and on a refusal what is stored decides.
//
// 1. A row is never replaced by an older one, and a key's history has neither gaps nor repetitions, whoever writes.
// 2. The mark is renewed before the entries, so that a displaced writer is refused as a whole; what it has under
//    way when it is displaced falls under 1. It is written again after every entry has been acknowledged.
// 3. What is remembered of revisions is only a guess that saves a read: a wrong one is refused.

import { mapLimited } from '../concurrency.ts';
import type { DerivedEntry, Sink } from '../ports.ts';
import { PortError } from '../ports.ts';
import { header, headerBlock } from './headers.ts';
import type { JetStreamApi } from './jetstream-api.ts';
import { patiently } from './patience.ts';
import { publishAcked } from './publish-acked.ts';
import { RevisionCache } from './revision-cache.ts';
import { SinkClaim } from './sink-claim.ts';
import { remainders, type SinkTarget } from './sink-target.ts';

const keysInFlightMax = 256;
const attemptsMax = 8;
const revisionsMax = 200_000;

const decoder = new TextDecoder();

/** Makes the port for a stream with several replicas. */
export function createKeyedSink(api: JetStreamApi, target: SinkTarget, timeoutMs: number): Sink {
  const claims = new Map<number, SinkClaim>();
  const revisions = new RevisionCache(revisionsMax);

  /** One key's entries, in order. `isRepetition`: they may be stored already, whatever we remember. */
  async function writeKey(
    key: string,
    entries: readonly DerivedEntry[],
    isRepetition: boolean,
  ): Promise<void> {
    let rest = entries;
    let revision = isRepetition ? undefined : revisions.get(key);
    for (let attempt = 1; attempt <= attemptsMax; ) {
      if (revision === undefined) {
        const stored = await api.message(target.stream, { last_by_subj: target.subjectOf(key) });
        revision = stored?.seq ?? 0;
        rest = remainders(target.kind, rest, stored && decoder.decode(stored.payload));
        revisions.set(key, revision);
        attempt += 1;
      }
      const [entry] = rest;
      if (entry === undefined) return;
      const written = await publishEntry(entry, revision);
      if (written !== undefined) rest = rest.slice(1);
      revision = typeof written === 'number' ? written : undefined;
      if (revision === undefined) revisions.delete(key);
      else revisions.set(key, revision);
    }
    throw new PortError('unavailable', `${key} of ${target.name} keeps changing`);
  }

  /** The new revision, or undefined if the expected one was wrong. */
  async function publishEntry(
    { key, payload, messageId }: DerivedEntry,
    revision: number,
  ): Promise<number | 'stored before' | undefined> {
    const { stream } = target;
    const headers = headerBlock({
      [header.expectedSequence]: revision,
      [header.messageId]: target.kind === 'history' ? messageId : undefined,
    });
    const subject = target.subjectOf(key);
    const result = await patiently(() =>
      publishAcked(api.mux, stream, subject, payload, headers, timeoutMs),
    );
    if (result.kind === 'stored') return result.seq;
    if (result.kind === 'wrong_last') return undefined;
    revisions.delete(key);
    if (result.kind === 'duplicate') return 'stored before';
    const { reason } = result;
    const code = result.kind === 'rejected' ? 'unavailable' : 'timeout';
    throw new PortError(code, `${key} of ${target.name}: ${reason}`);
  }

  async function write(
    claim: SinkClaim,
    entries: readonly DerivedEntry[],
    upTo: number,
  ): Promise<'written' | 'displaced'> {
    const isRepetition = claim.mayBeStored;
    if ((await advance(claim, claim.completeTo)) === 'displaced') return 'displaced';
    await mapLimited(byKey(entries), keysInFlightMax, ([key, ofKey]) =>
      writeKey(key, ofKey, isRepetition),
    );
    return (await advance(claim, upTo)) === 'displaced' ? 'displaced' : 'written';
  }

  async function advance(claim: SinkClaim, completeTo: number): Promise<'advanced' | 'displaced'> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      if (claim.inDoubt && (await claim.settle()) === 'displaced') return 'displaced';
      if ((await claim.advance(completeTo, 'patiently')) === 'advanced') {
        claim.assure();
        return 'advanced';
      }
    }
    throw new PortError('unavailable', `the mark of ${target.name} keeps changing`);
  }

  // The server may have been killed meanwhile, and with it what it had acknowledged but not written.
  api.mux.onStatus((status) => {
    if (status === 'connected') for (const claim of claims.values()) claim.doubt();
  });

  return {
    name: target.name,

    async takeOver(partition, claimSeq) {
      claims.delete(partition);
      const claim = await SinkClaim.take(api, target, partition, claimSeq, timeoutMs);
      if (claim === 'displaced') return { kind: 'displaced' };
      claims.set(partition, claim);
      return { kind: 'taken', completeTo: claim.completeTo };
    },

    async write(partition, entries, upTo) {
      const claim = claims.get(partition);
      if (claim === undefined) return 'displaced';
      if (claim.isWriting) throw new Error(`two writes at a time to ${target.name} ${partition}`);
      claim.isWriting = true;
      try {
        const outcome = await write(claim, entries, upTo);
        if (outcome === 'displaced' && claims.get(partition) === claim) claims.delete(partition);
        return outcome;
      } catch (error) {
        claim.doubt();
        throw error;
      } finally {
        claim.isWriting = false;
      }
    },
  };
}

/** The entries grouped by key, in order within each. */
function byKey(entries: readonly DerivedEntry[]): [key: string, ofKey: DerivedEntry[]][] {
  const groups = new Map<string, DerivedEntry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.key);
    if (group === undefined) groups.set(entry.key, [entry]);
    else group.push(entry);
  }
  return [...groups];
}
