// Everything that must be true after a run, whatever happened in it.

import type { SkuEvent } from '../../src/domain/events.ts';
import type { NatsPorts } from '../../src/nats/nats-ports.ts';
import type { ReadModels } from '../../src/nats/read-models.ts';
import { until } from '../support/deployment.ts';
import { brokenLinks, claimsIn, eventsIn, readJournal } from '../support/journal-log.ts';
import type { Attempt } from './history.ts';
import { judge } from './linearizability.ts';

export interface Findings {
  /** What is wrong; empty: nothing. */
  readonly problems: readonly string[];
  readonly acknowledged: number;
  readonly commits: number;
  readonly claims: number;
}

export interface Aftermath {
  readonly attempts: readonly Attempt[];
  readonly nats: NatsPorts;
  readonly read: ReadModels;
  readonly ask: (sku: string) => Promise<Readonly<Record<string, unknown>>>;
}

/** The event that carries out a command. */
const effects: Readonly<Record<string, SkuEvent['type']>> = {
  receive: 'stock.received',
  reserve: 'reservation.created',
  confirm: 'reservation.confirmed',
  release: 'reservation.released',
  sell: 'stock.sold',
};

export async function checkRun({ attempts, nats, read, ask }: Aftermath): Promise<Findings> {
  const messages = await readJournal(nats);
  const problems = brokenLinks(messages);
  const ids = new Set(messages.map(({ messageId }) => messageId));
  if (ids.size < messages.length) problems.push('a message id was used twice (invariant 4)');

  const bySku = new Map<string, SkuEvent[]>();
  for (const { sku, event } of eventsIn(messages)) {
    bySku.set(sku, [...(bySku.get(sku) ?? []), event]);
  }
  const acknowledged = attempts.filter(({ verb, heard }) => verb !== 'get' && heard?.ok === true);
  problems.push(...effectProblems(bySku, acknowledged));
  for (const [sku, events] of bySku) {
    problems.push(...conservationProblems(sku, events));
    problems.push(...(await viewProblems(sku, events, read, ask)));
    const verdict = judge(attempts.filter((attempt) => attempt.sku === sku));
    if (verdict.kind !== 'linearizable') {
      problems.push(
        `${sku}: ${verdict.kind === 'undecided' ? 'too many possibilities' : 'no order explains its history'}; stuck at\n  ${verdict.stuck.join('\n  ')}`,
      );
    }
  }
  return {
    problems,
    acknowledged: new Set(acknowledged.map(({ id }) => id)).size,
    commits: messages.length,
    claims: claimsIn(messages).length,
  };
}

/** Every acknowledged effect is in the journal exactly once, and no command has two. */
function effectProblems(
  bySku: ReadonlyMap<string, readonly SkuEvent[]>,
  acknowledged: readonly Attempt[],
): string[] {
  const problems: string[] = [];
  const counts = new Map<string, number>();
  for (const [sku, events] of bySku) {
    for (const { type, channel, command } of events) {
      if (!Object.values(effects).includes(type)) continue;
      const key = `${sku} ${channel}/${command} ${type}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  for (const [key, count] of counts) if (count > 1) problems.push(`${count} times: ${key}`);
  for (const { sku, id, verb, heard } of acknowledged) {
    // A release of what has ended, and a confirmation of what is confirmed, change nothing.
    if (verb === 'release' && heard?.qty === 0) continue;
    if (verb === 'confirm' && heard?.replayed) continue;
    const channel = verb === 'receive' ? 'wms' : 'web';
    const key = `${sku} ${channel}/${id} ${effects[verb]}`;
    if (!counts.has(key)) problems.push(`acknowledged and not in the journal: ${key}`);
  }
  return problems;
}

/** Units come in, are held, and go out; none appears or disappears, and none is promised twice. */
function conservationProblems(sku: string, events: readonly SkuEvent[]): string[] {
  const problems: string[] = [];
  const open = new Map<string, number>();
  const ended = new Map<string, string>();
  let onHand = 0;
  let version = 0;
  for (const event of events) {
    const wrong = (why: string) => problems.push(`${sku} version ${event.version}: ${why}`);
    if (event.version !== version + 1) wrong(`follows ${version}`);
    version = event.version;
    const held = 'reservation' in event ? event.reservation : undefined;
    switch (event.type) {
      case 'stock.received':
        onHand += event.qty;
        break;
      case 'stock.sold':
        onHand -= event.qty;
        break;
      case 'reservation.created':
        if (open.has(event.command)) wrong(`${event.command} was held already`);
        open.set(event.command, event.qty);
        break;
      case 'reservation.confirmed':
        if (ended.get(held as string) === 'reservation.confirmed') wrong(`${held} confirmed twice`);
        onHand -= event.qty;
        end(held as string, event.type);
        break;
      case 'reservation.released':
      case 'reservation.expired':
        // A release of what there is not yet leaves a mark that forbids it.
        if (
          !open.has(held as string) &&
          !(event.type === 'reservation.released' && event.qty === 0)
        ) {
          wrong(`${held} ended and was not open`);
        }
        end(held as string, event.type);
        break;
      default:
        break;
    }
    const reserved = [...open.values()].reduce((sum, qty) => sum + qty, 0);
    if (event.onHand !== onHand) wrong(`says ${event.onHand} on hand, there are ${onHand}`);
    if (event.reserved !== reserved)
      wrong(`says ${event.reserved} reserved, there are ${reserved}`);
    if (reserved > onHand) wrong(`${reserved} promised of ${onHand}`);
  }
  return problems.slice(0, 5);

  function end(reservation: string, type: string): void {
    open.delete(reservation);
    ended.set(reservation, type);
  }
}

/** Rows, history and the actor itself say what the journal says. */
async function viewProblems(
  sku: string,
  events: readonly SkuEvent[],
  read: ReadModels,
  ask: Aftermath['ask'],
): Promise<string[]> {
  const problems: string[] = [];
  const { onHand, reserved, available, version } = events.at(-1) as SkuEvent;
  const actor = await ask(sku);
  const row = () => read.stock(sku);
  const arrives = async (what: string, condition: () => Promise<boolean>) => {
    await until(condition, what).catch((error: Error) => problems.push(error.message));
  };
  // A hold may expire while we look: then the journal has gone on and this is looked at in vain.
  if (actor.onHand !== onHand || actor.reserved !== reserved) {
    problems.push(
      `${sku}: the actor says ${actor.onHand}/${actor.reserved}, the journal ${onHand}/${reserved}`,
    );
  }
  await arrives(`the row of ${sku}`, async () => (await row())?.version === version);
  const stock = await row();
  if (stock?.onHand !== onHand || stock.reserved !== reserved || stock.available !== available) {
    problems.push(`${sku}: inv_stock says ${JSON.stringify(stock)}`);
  }
  await arrives(
    `${sku} in the view of web`,
    async () => (await read.view('web', sku))?.available === available,
  );
  const versions: number[] = [];
  await arrives(`the history of ${sku}`, async () => {
    versions.length = 0;
    await read.history(sku, (told) => versions.push(told.version));
    return versions.at(-1) === version;
  });
  const gaps = versions.filter((told, index) => told > (versions[index - 1] ?? 0) + 1);
  if (gaps.length > 0) problems.push(`${sku}: history has gaps before ${gaps.join(', ')}`);
  return problems;
}
