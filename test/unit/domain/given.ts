// A SKU under test: says what happens to it in a few words, keeps its journal, and checks at the end of
// every test that the journal, read back from its text, folds to the state that the rules left behind.

import { afterEach, expect } from 'vitest';
import type { SkuCommand, WritingCommand } from '../../../src/domain/commands.ts';
import { decodeEvents, encodeEventsText } from '../../../src/domain/event-codec.ts';
import type { SkuEvent } from '../../../src/domain/events.ts';
import { evolve } from '../../../src/domain/evolve.ts';
import { execute, expireDue } from '../../../src/domain/execute.ts';
import { fingerprintOf } from '../../../src/domain/fingerprint.ts';
import { forget } from '../../../src/domain/forget.ts';
import type { Acceptance, Answer, Decision, Refusal } from '../../../src/domain/outcome.ts';
import {
  type ChannelRules,
  defaultSkuLimits,
  type Rules,
  type SkuLimits,
} from '../../../src/domain/rules.ts';
import { decodeState, encodeEntries, encodeHead } from '../../../src/domain/snapshot-codec.ts';
import { initialState, nextExpiryAtMs, type SkuState } from '../../../src/domain/state.ts';
import { channelRow, stockRow } from '../../../src/domain/views.ts';

export const minute = 60_000;
export const hour = 60 * minute;
const start = 1_794_900_000_000;

const everything = new Set([
  ...['reserve', 'renew', 'confirm', 'release', 'sell', 'restock', 'get'],
  ...['receive', 'adjust', 'count', 'transfer', 'policy', 'correct'],
]);

export interface Options {
  readonly channels?: Readonly<Record<string, Partial<ChannelRules>>>;
  readonly limits?: Partial<SkuLimits>;
  readonly factSources?: ChannelRules;
}

export function rulesWith(options: Options = {}): Rules {
  const channel = (name: string, view: boolean): [string, ChannelRules] => [
    name,
    { ...channelRules(name), view, ...options.channels?.[name] },
  ];
  return {
    channels: new Map([
      channel('web', true),
      channel('mobile', true),
      channel('pos', true),
      channel('wms', false),
      channel('ops', false),
    ]),
    ...(options.factSources && { factSources: options.factSources }),
    limits: { ...defaultSkuLimits, ...options.limits },
  };
}

export function channelRules(name: string): ChannelRules {
  return {
    name,
    verbs: everything,
    view: false,
    sourcing: [],
    split: true,
    defaultTtlMs: 15 * minute,
    longestTtlMs: 2 * hour,
    endsHoldsOf: new Set(),
  };
}

type Wish<Command> = Command extends SkuCommand
  ? Omit<Command, 'sku' | 'channel' | 'id' | 'fingerprint'> & {
      readonly channel?: string;
      readonly id?: string;
    }
  : never;

interface Commit {
  readonly afterSeq: number;
  readonly atMs: number;
  readonly firstVersion: number;
  readonly text: string;
}

const all: Sku[] = [];

afterEach(() => {
  for (const sku of all.splice(0)) sku.expectJournalFoldsToState();
});

export class Sku {
  state: SkuState;
  readonly rules: Rules;
  readonly events: SkuEvent[] = [];
  readonly commits: Commit[] = [];
  nowMs = start;
  seq = 1;
  private ids = 0;

  constructor(options: Options = {}, sku = '85123A') {
    this.state = initialState(sku);
    this.rules = rulesWith(options);
    all.push(this);
  }

  /** Decides one command in a commit of its own. */
  execute(wish: Wish<SkuCommand>): Decision {
    const decision = execute(this.state, this.command(wish), this.moment, this.rules);
    this.commit(decision.events);
    return decision;
  }

  answer(wish: Wish<SkuCommand>): Answer {
    return this.execute(wish).answer;
  }

  accept(wish: Wish<SkuCommand>): Acceptance {
    const answer = this.answer(wish);
    if (answer.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(answer)}`);
    return answer.acceptance;
  }

  refuse(wish: Wish<SkuCommand>): Refusal {
    const answer = this.answer(wish);
    if (answer.kind !== 'refused') throw new Error(`not refused: ${JSON.stringify(answer)}`);
    return answer.refusal;
  }

  /** The types of the events that a command leads to. */
  types(wish: Wish<SkuCommand>): readonly string[] {
    return this.execute(wish).events.map((event) => event.type);
  }

  receive(qty: number, location?: string): void {
    this.accept({ verb: 'receive', qty, ...(location !== undefined && { location }) });
  }

  reserve(id: string, qty = 1): void {
    this.accept({ verb: 'reserve', id, qty });
  }

  /** Time passes, and the holds that are due end. */
  wait(ms: number): readonly SkuEvent[] {
    this.nowMs += ms;
    const events: SkuEvent[] = [];
    for (;;) {
      const step = expireDue(this.state, this.moment, this.rules);
      if (step.length === 0) return events;
      this.commit(step);
      events.push(...step);
    }
  }

  available(channel = 'web'): number {
    return this.row(channel).available;
  }

  row(channel = 'web') {
    return channelRow(this.state, this.rules.channels.get(channel) as ChannelRules);
  }

  get stock() {
    return stockRow(this.state);
  }

  get nextExpiryAtMs(): number | undefined {
    return nextExpiryAtMs(this.state);
  }

  get moment() {
    return { nowMs: this.nowMs, afterSeq: this.seq };
  }

  command(wish: Wish<SkuCommand>): SkuCommand {
    const { channel = 'web', id, issuedAtMs, ...payload } = wish as Wish<WritingCommand>;
    this.ids += 1;
    const { sku } = this.state;
    return {
      ...payload,
      sku,
      channel,
      id: id ?? `auto-${this.ids}`,
      ...(issuedAtMs !== undefined && { issuedAtMs }),
      fingerprint: fingerprintOf(payload.verb, { sku, ...payload }),
    } as SkuCommand;
  }

  /** Goes on from a snapshot, as another node would. */
  restart(perPiece = 3): void {
    const head = JSON.parse(JSON.stringify(encodeHead(this.state)));
    const pieces = JSON.parse(JSON.stringify([...encodeEntries(this.state, perPiece)]));
    this.state = decodeState(head, pieces);
  }

  /** Goes on from the journal alone. */
  replay(): void {
    this.state = this.folded();
  }

  /** The state that reading the journal gives. */
  folded(): SkuState {
    const state = initialState(this.state.sku);
    for (const { afterSeq, atMs, firstVersion, text } of this.commits) {
      const tuples = JSON.parse(`[${text}]`);
      for (const event of decodeEvents(state.sku, firstVersion, atMs, tuples)) {
        evolve(state, event, afterSeq);
      }
    }
    return state;
  }

  expectJournalFoldsToState(): void {
    const folded = this.folded();
    // Forgetting is no event: who replays remembers longer, until it has forgotten as much.
    for (const state of [folded, this.state]) {
      for (let count = -1; count !== state.entryCount; ) {
        count = state.entryCount;
        forget(state, this.nowMs, this.rules.limits);
      }
    }
    expect(image(folded)).toEqual(image(this.state));
  }

  private commit(events: readonly SkuEvent[]): void {
    const [first] = events;
    if (first === undefined) return;
    this.commits.push({
      afterSeq: this.seq,
      atMs: this.nowMs,
      firstVersion: first.version,
      text: encodeEventsText(events),
    });
    this.seq += 1;
    this.events.push(...events);
  }
}

/** All that a state says, as plain data. */
export function image(state: SkuState): unknown {
  return { head: encodeHead(state), entries: [...encodeEntries(state, 1_000_000)].flat() };
}
