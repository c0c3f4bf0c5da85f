// A sink on an unreplicated stream (invariant 10). Entries are published without reply, 2.6 µs each, and every one
// of them expects the mark's sequence: the server refuses a displaced writer's as a whole. Then one acknowledged
// mark: it came over the same connection behind them, so its acknowledgement proves that they were processed.
//
// 1. Entries and their mark are published in one turn of the event loop: no disconnect can fall between them
//    without losing the mark too, and then the write rejects.
// 2. The server drops what comes without reply when more than 10,000 messages wait for one stream, and says so
//    only in its log. Hence the limits: `windowEntriesMax` before a mark, `windowsInFlightMax` at a time.
// 3. History is never written twice: after a take-over, and after doubt, what is stored is looked at first.

import { Gate, mapLimited } from '../concurrency.ts';
import type { DerivedEntry, Sink } from '../ports.ts';
import { PortError } from '../ports.ts';
import { header, headerBlock } from './headers.ts';
import type { JetStreamApi } from './jetstream-api.ts';
import { SinkClaim } from './sink-claim.ts';
import { remainders, type SinkTarget } from './sink-target.ts';

const windowEntriesMax = 512;
const windowsInFlightMax = 4;
const readsInFlightMax = 64;
const attemptsMax = 5;

const decoder = new TextDecoder();

/** Makes the port for a stream with one replica. */
export function createFencedSink(api: JetStreamApi, target: SinkTarget, timeoutMs: number): Sink {
  const claims = new Map<number, SinkClaim>();
  const gate = new Gate(windowsInFlightMax);

  /** Publishes everything under the claim; `again`: the fence has moved, nothing of a window was stored. */
  async function writeAll(
    partition: number,
    claim: SinkClaim,
    entries: readonly DerivedEntry[],
    upTo: number,
  ): Promise<'written' | 'again'> {
    for (let at = 0; ; at += windowEntriesMax) {
      const window = entries.slice(at, at + windowEntriesMax);
      const isLast = at + windowEntriesMax >= entries.length;
      const outcome = await gate.run(() => {
        publishWindow(partition, claim, window);
        return claim.advance(isLast ? upTo : claim.completeTo, 'once');
      });
      if (outcome === 'refused') return 'again';
      if (isLast) return 'written';
    }
  }

  function publishWindow(
    partition: number,
    claim: SinkClaim,
    window: readonly DerivedEntry[],
  ): void {
    const fence = {
      [header.expectedSequence]: claim.fence,
      [header.expectedSubject]: target.markOf(partition),
    };
    const shared = headerBlock(fence);
    api.mux.publishAll(
      window.map(({ key, payload, messageId }) => ({
        subject: target.subjectOf(key),
        payload,
        headers:
          target.kind === 'history' && messageId !== undefined
            ? headerBlock({ ...fence, [header.messageId]: messageId })
            : shared,
      })),
    );
  }

  async function write(
    partition: number,
    claim: SinkClaim,
    entries: readonly DerivedEntry[],
    upTo: number,
  ): Promise<'written' | 'displaced'> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      if (claim.inDoubt && (await claim.settle()) === 'displaced') return 'displaced';
      const isRepetition = target.kind === 'history' && claim.mayBeStored;
      const wanted = isRepetition ? await notStored(api, target, entries) : entries;
      if ((await writeAll(partition, claim, wanted, upTo)) === 'written') {
        claim.assure();
        return 'written';
      }
    }
    throw new PortError('unavailable', `the fence of ${target.name} ${partition} keeps moving`);
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
        const outcome = await write(partition, claim, entries, upTo);
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

/** The entries without what their keys' last messages already contain. */
async function notStored(
  api: JetStreamApi,
  target: SinkTarget,
  entries: readonly DerivedEntry[],
): Promise<readonly DerivedEntry[]> {
  const keys = [...new Set(entries.map((entry) => entry.key))];
  const stored = new Map<string, string>();
  await mapLimited(keys, readsInFlightMax, async (key) => {
    const message = await api.message(target.stream, { last_by_subj: target.subjectOf(key) });
    if (message !== undefined) stored.set(key, decoder.decode(message.payload));
  });
  return entries.flatMap((entry) => remainders(target.kind, [entry], stored.get(entry.key)));
}
