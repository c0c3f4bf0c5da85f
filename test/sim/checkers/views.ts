/**
 * Derived data (invariant 10): after everything has come to rest, every row is what the fold says,
 * and a SKU's history is complete and in order; repetitions are told by their versions.
 */

import { livesOf } from '../lives.ts';
import { skuKeyOf } from '../model/names.ts';
import type { Stock } from '../model/stock.ts';
import type { RunRecord } from '../run-record.ts';

type Row = Readonly<Record<string, unknown>>;

export function checkViews(run: RunRecord): readonly string[] {
  const wrong: string[] = [];
  for (const [sku, life] of livesOf(run).bySku) {
    const last = life.moments.at(-1);
    if (!last?.stock.known) continue;
    for (const sink of run.world.sinks.values()) {
      const payload = sink.row(skuKeyOf(sku));
      if (sink.name === 'events') {
        wrong.push(...checkHistory(run, sku, last.version));
      } else if (payload === undefined) wrong.push(`${sink.name}: no row for ${sku}`);
      else {
        const row = JSON.parse(payload) as Row;
        const expected =
          sink.name === 'stock' ? stockRow(last.stock) : viewRow(run, sink.name, last.stock);
        for (const [name, value] of Object.entries(expected)) {
          if (JSON.stringify(row[name]) === JSON.stringify(value)) continue;
          wrong.push(
            `${sink.name}: ${sku} shows ${name} ${JSON.stringify(row[name])}, it is ${JSON.stringify(value)} (version ${row.version} of ${last.version})`,
          );
        }
      }
    }
  }
  return wrong.slice(0, 8);
}

function stockRow(stock: Stock): Row {
  return {
    onHand: stock.onHand,
    reserved: stock.reserved,
    available: Math.max(0, stock.onHand - stock.reserved - stock.safetyStock),
    safetyStock: stock.safetyStock,
    reservations: stock.openHolds,
  };
}

function viewRow(run: RunRecord, sink: string, stock: Stock): Row {
  const channel = sink.slice('view.'.length);
  const sourcing = run.terms.channels.get(channel)?.sourcing ?? [];
  const available = stock.availableTo(channel, sourcing);
  if (available > 0) {
    return { available, status: available <= stock.lowStock ? 'low_stock' : 'in_stock' };
  }
  return stock.backorderMax > 0 ? { available } : { available, status: 'out_of_stock' };
}

function checkHistory(run: RunRecord, sku: string, lastVersion: number): string[] {
  const wrong: string[] = [];
  const seen = new Map<number, string>();
  let next = 1;
  for (const { payload } of run.world.sinks.get('events')?.messages(skuKeyOf(sku)) ?? []) {
    const { events } = JSON.parse(payload) as { events: { version: number }[] };
    for (const event of events) {
      // The order of fields means nothing: it is another one when history is made from the journal.
      const text = inOneOrder(event);
      const before = seen.get(event.version);
      if (before === text) continue;
      if (before !== undefined)
        wrong.push(`events: ${sku} tells version ${event.version} in two ways`);
      if (event.version !== next)
        wrong.push(`events: ${sku} has version ${event.version}, ${next} was due`);
      seen.set(event.version, text);
      next = event.version + 1;
    }
  }
  if (next !== lastVersion + 1) wrong.push(`events: ${sku} ends at ${next - 1} of ${lastVersion}`);
  return wrong;
}

/** As JSON, with the fields of all objects sorted. */
function inOneOrder(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
