/**
 * Each SKU's history of requests and replies is linearizable, by search over all orders. What became
 * true without a reply that tells it (unknown outcomes, expiry, the lines of carts) takes part with an
 * open end; the journal says that it happened, not when.
 */

import type { SkuEvent } from '../../../src/domain/events.ts';
import type { SkuCommit } from '../journal-view.ts';
import { linearize, type Operation } from '../linearizability/search.ts';
import { livesOf } from '../lives.ts';
import { admit } from '../model/rules.ts';
import { Stock } from '../model/stock.ts';
import { applyEvent } from '../model/walk.ts';
import type { RunRecord } from '../run-record.ts';

/** Longer histories are left to the checker of answers, which needs no search. */
const operationsMax = 150;
const stepsMax = 30_000;
const clockMs = 5_000;

export function checkLinearizable(run: RunRecord): readonly string[] {
  const { journal } = livesOf(run);
  const wrong: string[] = [];
  for (const [sku, commits] of journal.skus) {
    const operations = operationsOf(run, sku, commits);
    if (operations.length > operationsMax) continue;
    const verdict = linearize(operations, new Stock(), (stock) => stock.fingerprint(), stepsMax);
    if (verdict.kind !== 'not linearizable') continue;
    wrong.push(
      `${sku}: no order explains its history; ${verdict.placed} of ${operations.length} fit, then: ${verdict.stuck.slice(0, 4).join(' | ')}`,
    );
  }
  return wrong;
}

function operationsOf(
  run: RunRecord,
  sku: string,
  commits: readonly SkuCommit[],
): Operation<Stock>[] {
  const operations: Operation<Stock>[] = [];
  const told = new Set<number>();
  const firstMs = new Map<string, number>();
  for (const intent of run.intents) {
    const { channel, verb, payload, kind, attempts } = intent;
    const key = `${channel}/${payload.id}`;
    firstMs.set(key, Math.min(firstMs.get(key) ?? Infinity, attempts[0]?.sentMs ?? Infinity));
    if (kind !== 'sku' || payload.sku !== sku) continue;
    for (const { sentMs, answeredMs, reply } of attempts) {
      if (!reply || answeredMs === undefined) continue;
      if ((reply.error as { retry?: boolean } | undefined)?.retry === true) continue;
      const isEffect = reply.ok === true && reply.replayed !== true && verb !== 'get';
      if (isEffect) told.add(reply.version as number);
      const window = { fromMs: sentMs - clockMs, toMs: answeredMs + clockMs };
      operations.push({
        name: `${channel} ${verb} ${JSON.stringify(payload)} → ${JSON.stringify(reply)}`,
        callMs: sentMs,
        returnMs: answeredMs,
        hintMs: isEffect ? storedMs(commits, reply.version as number) : answeredMs,
        reads: !isEffect && verb !== 'release',
        apply: (stock) =>
          isEffect || verb === 'release'
            ? changed(stock, (copy) => admit(copy, intent, reply, window, run.terms))
            : allowed(stock, admit(stock, intent, reply, window, run.terms)),
      });
    }
  }
  for (const commit of commits) {
    for (const event of commit.events) {
      if (!told.has(event.version)) operations.push(untold(run, event, commit, firstMs));
    }
  }
  return operations;
}

/** Something that became true and that no reply tells. */
function untold(
  run: RunRecord,
  event: SkuEvent,
  commit: SkuCommit,
  firstMs: ReadonlyMap<string, number>,
): Operation<Stock> {
  const asked = firstMs.get(`${event.channel}/${event.command}`);
  const callMs =
    event.type === 'reservation.expired' ? event.expiresAtMs - clockMs : (asked ?? -Infinity);
  const find = livesOf(run).find(commit.sku);
  return {
    name: `${event.type} ${event.channel}/${event.command} version ${event.version}`,
    callMs,
    returnMs: Number.POSITIVE_INFINITY,
    hintMs: commit.storedMs,
    reads: /^(availability|shortfall)\./.test(event.type),
    apply: (stock) => changed(stock, (copy) => applyEvent(copy, event, run.terms, find)),
  };
}

/** Refusals, repetitions and reads change nothing, so nothing has to be copied for them. */
function allowed(stock: Stock, why: string | undefined): Stock | undefined {
  return why === undefined ? stock : undefined;
}

function changed(stock: Stock, change: (copy: Stock) => string | undefined): Stock | undefined {
  const copy = stock.copy();
  return change(copy) === undefined ? copy : undefined;
}

function storedMs(commits: readonly SkuCommit[], version: number): number {
  const commit = commits.find(({ events }) => events.some((event) => event.version === version));
  return commit?.storedMs ?? Number.POSITIVE_INFINITY;
}
