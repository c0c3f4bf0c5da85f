// Who may write a sink's share of a partition: the mark, one small message per sink and partition in the sink's
// own stream, always replaced by compare-and-set on its sequence. It says who writes and how far he has come.
//
// 1. Its sequence is the fence: who has replaced the mark has shut everybody else out.
// 2. A mark is only believed to be ours if this very take-over made it and it is no older than the last one that
//    was acknowledged to us. Anything else, also a stream that has lost its newest messages, is `displaced`: the
//    caller takes over again and hears how far the sink really is.
// 3. After an unknown outcome nothing more is written before the fence has been moved: so nothing that is still
//    on its way from before can be stored behind what we then read.

import { nuid } from '@nats-io/transport-node';
import { PortError } from '../ports.ts';
import { header, headerBlock } from './headers.ts';
import type { JetStreamApi } from './jetstream-api.ts';
import { patiently } from './patience.ts';
import { publishAcked } from './publish-acked.ts';
import type { SinkTarget } from './sink-target.ts';

const attemptsMax = 5;
const decoder = new TextDecoder();

/** The mark's content. */
interface Mark {
  /** Journal sequence of the writer's claim. */
  readonly claim: number;
  readonly completeTo: number;
  /** Names one take-over. */
  readonly by: string;
  /** Counts the marks of that take-over. */
  readonly n: number;
}

export class SinkClaim {
  readonly #api: JetStreamApi;
  readonly #target: SinkTarget;
  readonly #partition: number;
  readonly #timeoutMs: number;
  readonly #by = nuid.next();
  readonly claimSeq: number;
  #fence: number;
  #completeTo: number;
  #sent = 0;
  #acknowledged = 0;
  /** Whether an outcome is unknown, so that what is stored may differ from what we believe. */
  #inDoubt = false;
  /** A write is under way; a second one would be our bug. */
  isWriting = false;

  private constructor(
    api: JetStreamApi,
    target: SinkTarget,
    partition: number,
    claimSeq: number,
    current: { seq: number; mark: Mark } | undefined,
    timeoutMs: number,
  ) {
    this.#api = api;
    this.#target = target;
    this.#partition = partition;
    this.#timeoutMs = timeoutMs;
    this.claimSeq = claimSeq;
    this.#fence = current?.seq ?? 0;
    this.#completeTo = current?.mark.completeTo ?? 0;
  }

  /** Replaces the mark. `displaced`: a later claim holds it. Rejects with `PortError`. */
  static async take(
    api: JetStreamApi,
    target: SinkTarget,
    partition: number,
    claimSeq: number,
    timeoutMs: number,
  ): Promise<SinkClaim | 'displaced'> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const current = await readMark(api, target, partition);
      if (current !== undefined && current.mark.claim > claimSeq) return 'displaced';
      const claim = new SinkClaim(api, target, partition, claimSeq, current, timeoutMs);
      if ((await claim.advance(claim.completeTo, 'patiently')) === 'advanced') return claim;
    }
    throw new PortError('unavailable', `the mark of ${target.name} ${partition} keeps changing`);
  }

  get completeTo(): number {
    return this.#completeTo;
  }

  /** The mark's sequence, which everything written under this claim expects. */
  get fence(): number {
    return this.#fence;
  }

  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  /**
   * Whether entries of the next write may be stored already: a predecessor wrote them before our claim, or we
   * did without hearing of it.
   */
  get mayBeStored(): boolean {
    return this.#inDoubt || this.#completeTo < this.claimSeq;
  }

  /** Something may have been stored that was not acknowledged. */
  doubt(): void {
    this.#inDoubt = true;
  }

  /**
   * Publishes the next mark; everything published before it in the same turn is stored or refused before it.
   * `refused`: the fence is not where we believe it; `settle` says whether it is still ours. `patiently` repeats a
   * mark that was certainly not stored: only where nothing was published before it that may have failed alike.
   */
  async advance(completeTo: number, how: 'once' | 'patiently'): Promise<'advanced' | 'refused'> {
    const n = ++this.#sent;
    const mark: Mark = { claim: this.claimSeq, completeTo, by: this.#by, n };
    const isHistory = this.#target.kind === 'history';
    const headers = headerBlock({
      [header.expectedSequence]: this.#fence,
      // Buckets keep one message per subject and for ever; the history keeps all, but for a time.
      [header.rollup]: isHistory ? 'sub' : undefined,
      [header.ttl]: isHistory ? 'never' : undefined,
    });
    const subject = this.#target.markOf(this.#partition);
    const { stream } = this.#target;
    const text = JSON.stringify(mark);
    const publish = () =>
      publishAcked(this.#api.mux, stream, subject, text, headers, this.#timeoutMs);
    const result = await (how === 'once' ? publish() : patiently(publish));
    if (result.kind === 'stored') {
      this.#fence = result.seq;
      this.#acknowledged = n;
      this.#completeTo = completeTo;
      return 'advanced';
    }
    this.#inDoubt = true;
    if (result.kind === 'wrong_last') return 'refused';
    const reason = result.kind === 'duplicate' ? 'called a duplicate' : result.reason;
    const code = result.kind === 'rejected' ? 'unavailable' : 'timeout';
    throw new PortError(code, `mark of ${this.#target.name} ${this.#partition}: ${reason}`);
  }

  /** After doubt: finds out whether the mark is ours, and moves the fence (3). Rejects with `PortError`. */
  async settle(): Promise<'ours' | 'displaced'> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const current = await readMark(this.#api, this.#target, this.#partition);
      if (current === undefined || current.mark.by !== this.#by) return 'displaced';
      if (current.mark.n < this.#acknowledged) return 'displaced';
      this.#fence = current.seq;
      if ((await this.advance(this.#completeTo, 'patiently')) === 'advanced') return 'ours';
    }
    throw new PortError('unavailable', `the mark of ${this.#target.name} keeps changing`);
  }

  /** A whole write has been acknowledged: nothing is in doubt any more. */
  assure(): void {
    this.#inDoubt = false;
  }
}

async function readMark(
  api: JetStreamApi,
  target: SinkTarget,
  partition: number,
): Promise<{ seq: number; mark: Mark } | undefined> {
  const message = await api.message(target.stream, { last_by_subj: target.markOf(partition) });
  if (message === undefined) return undefined;
  return { seq: message.seq, mark: JSON.parse(decoder.decode(message.payload)) };
}
