/**
 * Asks the ports the same questions over and over, each kind in a loop of its own, and notes what
 * each was answered and how long that took: on a real cluster to record a change of leaders, on the
 * twins to see whether they answer alike.
 */

import {
  type Clock,
  type Journal,
  type Members,
  PortError,
  type Snapshots,
} from '../../../src/ports.ts';

export interface ProbedPorts {
  readonly clock: Clock;
  readonly journal: Journal;
  /** The journal over another connection: of two appends with one expectation one must wait or lose. */
  readonly rival: Journal;
  readonly snapshots: Snapshots;
  readonly members: Members;
}

export interface Sample {
  readonly op: string;
  /** Since the probes started. */
  readonly atMs: number;
  readonly tookMs: number;
  /** What came of it: `ok`, or what went wrong. */
  readonly kind: string;
}

/** Between an answer and the next question. */
const usualPauseMs = 40;

export class Probes {
  readonly samples: Sample[] = [];
  readonly #ports: ProbedPorts;
  readonly #startMs: number;
  #stopped = false;
  #count = 0;

  constructor(ports: ProbedPorts) {
    this.#ports = ports;
    this.#startMs = ports.clock.now();
  }

  /** Resolves when all loops have ended, after `stop`. */
  async run(): Promise<void> {
    const { snapshots, members } = this.#ports;
    let revision = 0;
    // Many at a time, so that some are on their way at the moment of the death.
    const crowd = [3, 4, 5, 6, 7].map((partition) =>
      this.#loop('appends', this.#appending(partition, [this.#ports.journal]), 1),
    );
    await Promise.all([
      ...crowd,
      this.#loop('append', this.#appending(0, [this.#ports.journal])),
      this.#loop('rivals', this.#appending(1, [this.#ports.journal, this.#ports.rival])),
      this.#loop('barrier', () => this.#barrier(2)),
      this.#loop('last', async () => {
        await this.#ports.journal.last(0);
        return 'ok';
      }),
      this.#loop('write', async () => {
        const written = await snapshots.write('probe', '{}', revision);
        // After an unknown outcome: what is there now?
        if (written.kind === 'stored') revision = written.revision;
        else revision = (await snapshots.read('probe'))?.revision ?? 0;
        return written.kind === 'stored' ? 'ok' : 'conflict';
      }),
      this.#loop('members', async () => {
        const { nodes } = await members.read();
        return nodes.length > 0 ? 'ok' : 'nobody';
      }),
      this.#loop('renew', async () => {
        const { kind } = await members.renew(recordOf('probe'));
        return kind === 'renewed' ? 'ok' : kind;
      }),
    ]);
  }

  stop(): void {
    this.#stopped = true;
  }

  async #loop(op: string, ask: () => Promise<string>, pauseMs = usualPauseMs): Promise<void> {
    const { clock } = this.#ports;
    while (!this.#stopped) {
      const sentMs = clock.now();
      const kind = await ask().catch(troubleOf);
      this.samples.push({
        ...{ op, kind, atMs: sentMs - this.#startMs, tookMs: clock.now() - sentMs },
      });
      await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
    }
  }

  /** Appends as an owner does: what is unknown is looked up before anything else is sent. */
  #appending(partition: number, journals: readonly Journal[]): () => Promise<string> {
    let expect = 0;
    let isKnown = true;
    return async () => {
      if (!isKnown) {
        const last = await this.#ports.journal.last(partition).catch(() => undefined);
        if (last === undefined) return 'unknown: still';
        expect = last.seq;
        isKnown = true;
      }
      const outcomes = await Promise.all(
        journals.map((journal) =>
          journal.append({ partition, expect, messageId: this.#nextId(), payload: '{}' }),
        ),
      );
      const appended = outcomes.find((outcome) => outcome.kind === 'appended');
      if (appended?.kind === 'appended') expect = appended.seq;
      else isKnown = outcomes.every(({ kind }) => kind === 'busy');
      return outcomes.map(outcomeKind).sort().join(' + ');
    };
  }

  async #barrier(partition: number): Promise<string> {
    const messageId = this.#nextId();
    return outcomeKind(await this.#ports.journal.barrier({ partition, expect: 0, messageId }));
  }

  #nextId(): string {
    this.#count += 1;
    return `probe.${this.#startMs}.${this.#count}`;
  }
}

function recordOf(name: string) {
  return { name, incarnation: name, partitions: [], startedAtMs: 0, renewedAtMs: 0 };
}

function outcomeKind(outcome: Awaited<ReturnType<Journal['append']>>): string {
  if (outcome.kind === 'appended') return 'ok';
  return outcome.kind === 'refused' ? 'refused' : `${outcome.kind}: ${causeIn(outcome.reason)}`;
}

function troubleOf(error: unknown): string {
  if (!(error instanceof PortError)) throw error;
  const cause = causeIn(`${error.code} ${error.message} ${(error.cause as Error)?.message ?? ''}`);
  return `${error.code}: ${cause}`;
}

/** The server's number if there is one, else in a word. */
function causeIn(reason: string): string {
  const number = /\b(10\d\d\d)\b/.exec(reason)?.[1];
  if (number) return number;
  if (/no.responders|nobody listens/i.test(reason)) return 'no responders';
  if (/time.?out|no answer|no reply/i.test(reason)) return 'time-out';
  return reason.slice(0, 40);
}
