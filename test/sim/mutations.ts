/**
 * The code broken on purpose, one invariant at a time. A mutation is a change of text in a copy of the
 * compiled code (`mutate.ts`); production code has no switches. A mutation that no seed notices means
 * that the workload or a checker is too weak.
 */

import { reconcileMutations } from './reconcile/mutations.ts';

export interface Edit {
  /** Below `dist`, without the ending. */
  readonly file: string;
  /** Occurs exactly once in it. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutation {
  readonly name: string;
  /** Of the design. */
  readonly invariant: number | string;
  /**
   * Whether the seeds that are tried have an ERP to reconcile with; they have none unless told, since
   * whoever reconciles also repairs read models, and so hides what breaks them.
   */
  readonly erp?: true;
  readonly edits: readonly Edit[];
}

const partition = 'src/runtime/partition';

function one(
  name: string,
  invariant: number | string,
  file: string,
  find: string,
  replace: string,
): Mutation {
  return { name, invariant, edits: [{ file, find, replace }] };
}

export const mutations: readonly Mutation[] = [
  ...reconcileMutations,
  one(
    'appends expect whatever is there',
    1,
    `${partition}/committer`,
    'await this.#journal.append(request)',
    'await this.#journal.append({ ...request, expect: (await this.#journal.last(this.#partition))?.seq ?? 0 })',
  ),
  one(
    'answers leave before the append',
    2,
    `${partition}/rounds`,
    'head.seq = await appended;',
    'round.release(head.seq, this.#options.onCart); head.seq = await appended;',
  ),
  one(
    'refusals and reads leave without a barrier',
    2,
    `${partition}/rounds`,
    'committer.barrier(head.seq)',
    'Promise.resolve()',
  ),
  one(
    'an unknown outcome counts as success',
    3,
    `${partition}/committer`,
    "if (outcome.kind !== 'busy') {",
    "if (outcome.kind === 'unknown') return expect + 1; if (outcome.kind !== 'busy') {",
  ),
  one(
    'a new owner does not read what was there before it',
    3,
    `${partition}/recovery`,
    'tail.add(group.sku, {',
    'if (entry.seq > 60) tail.add(group.sku, {',
  ),
  {
    name: 'message ids are made of partition and sequence',
    invariant: 4,
    edits: [
      {
        file: `${partition}/committer`,
        find: 'messageId: this.#ids.next(),\n            payload,',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: text of the patched copy
        replace: 'messageId: `${this.#partition}.${expect}`,\n            payload,',
      },
    ],
  },
  one(
    'checkpoints are written before what they rely on',
    6,
    `${partition}/checkpointer`,
    'await mapLimited([...plan]',
    'await this.#record(covered); await mapLimited([...plan]',
  ),
  one(
    'snapshots are taken in the middle of a round',
    6,
    `${partition}/checkpointer`,
    'const encoded = await betweenRounds(() => {',
    'const encoded = await (async (work) => work())(() => {',
  ),
  one(
    'SKUs wake up from an older snapshot than the one that was written last',
    6,
    `${partition}/pages`,
    'this.#keep(number, { revision: done.revision, entries, hashes });',
    'this.#keep(number, { revision: done.revision, entries: page.entries, hashes });',
  ),
  one(
    'the checkpoint forgets when holds end',
    6,
    `${partition}/checkpointer`,
    'alarms: alarms.entries(),',
    'alarms: [],',
  ),
  one(
    'ids are not remembered',
    7,
    'src/domain/decide',
    'const slot = state.records.find(channelIndex(state, command.channel), command.id);',
    'const slot = -1;',
  ),
  one(
    'ids are remembered without their channel',
    7,
    'src/domain/decide',
    'const slot = state.records.find(channelIndex(state, command.channel), command.id);',
    'const slot = state.channels.reduce((found, _, at) => (found >= 0 ? found : state.records.find(at, command.id)), -1);',
  ),
  one(
    'a claim needs no newer membership',
    'ownership',
    `${partition}/recovery`,
    'if (options.membershipRevision > held.revision)',
    'if (options.membershipRevision > 0)',
  ),
  one(
    'prepared lines of carts expire',
    8,
    'src/domain/state',
    'store.kind(slot) === RecordKind.open &&',
    '(store.kind(slot) === RecordKind.open || store.kind(slot) === RecordKind.prepared) &&',
  ),
  one(
    'who asked for a cart hears before its verdict is written',
    8,
    'src/runtime/carts/cart-course',
    'await this.#parts.book.write(verdict);',
    "if (verdict.accepted) this.#answer({ kind: 'accepted', lines: verdict.accepted }); await this.#parts.book.write(verdict);",
  ),
  one(
    'the position in the facts is committed apart from what they did',
    9,
    `${partition}/rounds`,
    'factsTo: round.factsTo ?? head.factsTo,',
    'factsTo: head.factsTo,',
  ),
  one(
    'the position in the facts runs ahead',
    9,
    `${partition}/rounds`,
    'factsTo: round.factsTo ?? head.factsTo,',
    'factsTo: (round.factsTo ?? head.factsTo) + 1,',
  ),
  one(
    'sinks do not fence',
    10,
    'test/sim/twins/sinks',
    'if (mark?.claimSeq !== owner.claimSeq || owner.write < mark.write)',
    'if (mark === undefined)',
  ),
  one(
    'what a crash left behind is not written',
    10,
    `${partition}/session`,
    'await catchUpOutputs({',
    'await (async () => {})({',
  ),
  one(
    'expiry leaves no event',
    11,
    'actors/sku',
    'sink.expired(expireDue(state, moment, context.rules));',
    'expireDue(state, moment, context.rules);',
  ),
  one(
    'holds expire too early',
    11,
    'src/domain/execute',
    'timeMs > moment.nowMs)',
    'timeMs > moment.nowMs + 200)',
  ),
  {
    name: 'time runs backwards',
    invariant: 11,
    edits: [
      {
        file: `${partition}/rounds`,
        find: 'nowMs: Math.max(head.atMs, this.#options.now()),',
        replace: 'nowMs: this.#options.now(),',
      },
      {
        file: `${partition}/recovery`,
        find: 'atMs: Math.max(before?.atMs ?? 0, options.nowMs()),',
        replace: 'atMs: options.nowMs(),',
      },
    ],
  },
  {
    name: 'commands from before a standstill are executed',
    invariant: 'ownership',
    edits: [
      {
        file: 'src/runtime/stall-watch',
        find: 'return this.#thawing > 0;',
        replace: 'return false;',
      },
      { file: 'src/runtime/stall-watch', find: 'this.#options.onStall(lateMs);', replace: '' },
    ],
  },
  one(
    'what is reserved may be sold again',
    'stock',
    'src/domain/available',
    'return state.onHand - state.reserved - state.safetyStock - state.escrow;',
    'return state.onHand - state.safetyStock - state.escrow;',
  ),
  one(
    'a repeated confirm sells again',
    7,
    'src/domain/decide-holds',
    'if (kind === RecordKind.confirmed)\n        return confirmedBefore(state, command, slot, qty);',
    '',
  ),
];
