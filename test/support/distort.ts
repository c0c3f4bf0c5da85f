// Ports that do not tell the truth, wrapped around real ones.

import type { AppendOutcome, Journal, JournalAppend, NodeRecord, Ports } from '../../src/ports.ts';

/** Sees nobody but itself among the members: it believes that it owns everything. */
export function alone(name: string): (ports: Ports) => Ports {
  const only = (nodes: readonly NodeRecord[]) => nodes.filter((node) => node.name === name);
  return (ports) => ({
    ...ports,
    members: {
      ...ports.members,
      async read() {
        const { revision, nodes } = await ports.members.read();
        return { revision, nodes: only(nodes) };
      },
    },
  });
}

/** What may happen to one append or barrier. */
export type Fate =
  /** It goes the normal way. */
  | 'through'
  /** It is stored and nobody hears of it. */
  | 'answer lost'
  /** It never arrives. */
  | 'lost'
  /** It arrives, but only once the next attempt has looked at the journal. */
  | 'late';

export interface JournalCall {
  readonly kind: 'append' | 'barrier';
  readonly request: Omit<JournalAppend, 'payload'> & { readonly payload?: string };
  outcome?: AppendOutcome;
}

/** A journal whose appends meet the fate that `decide` chooses. Keeps what was asked of it. */
export function unsureJournal(decide: (call: JournalCall, index: number) => Fate | Promise<Fate>): {
  readonly calls: JournalCall[];
  readonly wrap: (ports: Ports) => Ports;
} {
  const calls: JournalCall[] = [];
  const unknown: AppendOutcome = { kind: 'unknown', reason: 'a test has lost the answer' };

  function wrapJournal(journal: Journal): Journal {
    const late: (() => Promise<unknown>)[] = [];
    const attempt = async (call: JournalCall, send: () => Promise<AppendOutcome>) => {
      const index = calls.push(call) - 1;
      const fate = await decide(call, index);
      if (fate === 'lost') return unknown;
      if (fate === 'late') {
        late.push(send);
        return unknown;
      }
      const outcome = await send();
      call.outcome = outcome;
      return fate === 'answer lost' ? unknown : outcome;
    };
    return {
      ...journal,
      append: (request) => attempt({ kind: 'append', request }, () => journal.append(request)),
      barrier: (request) => attempt({ kind: 'barrier', request }, () => journal.barrier(request)),
      async last(partition) {
        const entry = await journal.last(partition);
        // What was late arrives now: after "unchanged" has been answered, before the next attempt.
        for (const send of late.splice(0)) await send();
        return entry;
      },
    };
  }
  return { calls, wrap: (ports) => ({ ...ports, journal: wrapJournal(ports.journal) }) };
}

/** A clock that a test moves: `jump` makes it look as if the process had stood still. */
export function jumpingClock(): {
  readonly jump: (ms: number) => void;
  readonly reset: () => void;
  readonly wrap: (ports: Ports) => Ports;
} {
  let aheadMs = 0;
  return {
    jump: (ms) => {
      aheadMs += ms;
    },
    reset: () => {
      aheadMs = 0;
    },
    wrap: (ports) => ({
      ...ports,
      clock: { ...ports.clock, now: () => ports.clock.now() + aheadMs },
    }),
  };
}
