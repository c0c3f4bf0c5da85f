// A closed-loop load on PostgreSQL: each connection reserves one unit after the other, the reservation's id included,
// so that a repetition has no second effect. One statement, one transaction.

import pg from 'pg';
import { randomFrom } from '../harness/numbers.ts';
import type { Line } from '../harness/worker.ts';

export interface PostgresParams {
  readonly url: string;
  /** `row`: one row per SKU, updated conditionally. `units`: a row per unit, FOR UPDATE SKIP LOCKED. */
  readonly shape: 'row' | 'units';
  readonly connections: number;
  readonly skus: number;
  /** Units of each SKU. */
  readonly stock: number;
  readonly seconds: number;
}

export interface PeerResult {
  readonly accepted: number;
  readonly perSecond: number;
  /** Units beyond the stock. */
  readonly oversold: number;
}

const statements = {
  row: `WITH taken AS (
          UPDATE stock SET reserved = reserved + 1
          WHERE sku = $1 AND on_hand - reserved >= 1 RETURNING sku)
        INSERT INTO reservation (id, sku, qty) SELECT $2, sku, 1 FROM taken`,
  units: `WITH taken AS (
            UPDATE unit SET reservation = $2 WHERE id = (
              SELECT id FROM unit WHERE sku = $1 AND reservation IS NULL
              LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING sku)
          INSERT INTO reservation (id, sku, qty) SELECT $2, sku, 1 FROM taken`,
} as const;

export async function run(line: Line<PostgresParams>): Promise<PeerResult> {
  const { url, shape, connections: count, skus, stock, seconds } = line.params;
  const connections = Array.from({ length: count }, () => new pg.Client(url));
  await Promise.all(connections.map((connection) => connection.connect()));
  const first = connections[0] as pg.Client;
  await prepare(first, shape, skus, stock);
  const random = randomFrom(7);
  await line.ready();

  let accepted = 0;
  let counter = 0;
  const startedAt = performance.now();
  const untilAt = startedAt + seconds * 1_000;
  await Promise.all(
    connections.map(async (connection) => {
      while (performance.now() < untilAt) {
        const sku = `S-${skus === 1 ? 0 : Math.floor(random() * skus)}`;
        const values = [sku, `r-${++counter}`];
        const done = await connection.query({ name: shape, text: statements[shape], values });
        accepted += done.rowCount ?? 0;
      }
    }),
  );
  const tookMs = performance.now() - startedAt;
  const { rows } = await first.query('SELECT count(*)::int AS n FROM reservation');
  const oversold = Math.max(0, rows[0].n - skus * stock, accepted - rows[0].n);
  // What it would still write and vacuum must not disturb whoever is measured next.
  await first.query('DROP TABLE IF EXISTS stock, unit, reservation');
  await first.query('CHECKPOINT');
  await Promise.all(connections.map((connection) => connection.end()));
  return { accepted, perSecond: (accepted * 1_000) / tookMs, oversold };
}

async function prepare(client: pg.Client, shape: 'row' | 'units', skus: number, stock: number) {
  await client.query('DROP TABLE IF EXISTS stock, unit, reservation');
  await client.query('CREATE TABLE reservation (id text PRIMARY KEY, sku text, qty int)');
  if (shape === 'row') {
    await client.query(
      `CREATE TABLE stock (sku text PRIMARY KEY, on_hand bigint, reserved bigint) WITH (fillfactor = 50)`,
    );
    await client.query(
      `INSERT INTO stock SELECT 'S-' || n, ${stock}, 0 FROM generate_series(0, ${skus - 1}) n`,
    );
  } else {
    await client.query('CREATE TABLE unit (id bigserial PRIMARY KEY, sku text, reservation text)');
    await client.query(
      `INSERT INTO unit (sku) SELECT 'S-' || n % ${skus} FROM generate_series(0, ${skus * stock - 1}) n`,
    );
    await client.query('CREATE INDEX ON unit (sku) WHERE reservation IS NULL');
  }
  await client.query('VACUUM ANALYZE');
  await client.query('CHECKPOINT');
}
