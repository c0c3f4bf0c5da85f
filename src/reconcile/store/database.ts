/**
 * The SQLite database behind a reconciler: the ledger by line, the snapshot being compared, what is
 * remembered of lines and acknowledgements. All of it is derived or a matter of patience: a database
 * that is damaged, of another schema or of another journal is thrown away and made again.
 */

import Database from 'better-sqlite3';

/** Changes with every change of the tables. */
const schemaVersion = 3;

export type Sql = Database.Database;

const schema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE position (partition INTEGER PRIMARY KEY, seq INTEGER NOT NULL);

  -- Every SKU after its last event.
  CREATE TABLE sku (
    sku TEXT PRIMARY KEY, seq INTEGER NOT NULL, version INTEGER NOT NULL, onHand INTEGER NOT NULL,
    reserved INTEGER NOT NULL, available INTEGER NOT NULL, hasPolicy INTEGER NOT NULL,
    -- The journal did not have the SKU's beginning: the balance of its lines is not known.
    isTruncated INTEGER NOT NULL
  ) WITHOUT ROWID;
  -- How far each read model has been looked at, and what its rows showed then.
  CREATE TABLE looked (bucket TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE standing (
    bucket TEXT NOT NULL, sku TEXT NOT NULL, shows TEXT NOT NULL, PRIMARY KEY (bucket, sku)
  ) WITHOUT ROWID;

  -- A line of the ledger: what is long since posted is in its opening balance.
  CREATE TABLE line (
    id INTEGER PRIMARY KEY, sku TEXT NOT NULL, location TEXT NOT NULL, opening INTEGER NOT NULL,
    isTruncated INTEGER NOT NULL, comparedAtMs INTEGER NOT NULL DEFAULT 0, UNIQUE (sku, location)
  );
  CREATE TABLE entry (
    id INTEGER PRIMARY KEY, line INTEGER NOT NULL, delta INTEGER NOT NULL,
    occurredAtMs INTEGER NOT NULL, recordedAtMs INTEGER NOT NULL, seq INTEGER NOT NULL,
    lane TEXT NOT NULL, document TEXT NOT NULL, postedMs INTEGER, postedIsExact INTEGER,
    isCorrection INTEGER NOT NULL
  );
  CREATE INDEX entryOfLine ON entry (line);
  CREATE INDEX entryOfDocument ON entry (document, lane);
  -- Corrections with their evidence, for netting late facts against them.
  CREATE TABLE correction (
    seq INTEGER NOT NULL, line INTEGER NOT NULL, delta INTEGER NOT NULL, recordedAtMs INTEGER NOT NULL,
    evidence TEXT NOT NULL
  );
  CREATE INDEX correctionOfLine ON correction (line);

  -- Per source: how far its acknowledgements have been read, and those whose document is not known yet.
  CREATE TABLE acknowledged (source TEXT PRIMARY KEY, seq INTEGER NOT NULL, unmatched TEXT NOT NULL)
    WITHOUT ROWID;
  -- What a source has said of whole lanes, and when.
  CREATE TABLE lanePosted (
    source TEXT NOT NULL, lane TEXT NOT NULL, throughMs INTEGER NOT NULL, saidAtMs INTEGER NOT NULL
  );

  -- The snapshot that is being compared.
  CREATE TABLE staged (
    id INTEGER PRIMARY KEY, sku TEXT NOT NULL, location TEXT NOT NULL, qty INTEGER NOT NULL,
    packSize INTEGER
  );
  CREATE INDEX stagedName ON staged (sku, location);
  -- Per source and line: the last exact agreement, and what has been seen since.
  CREATE TABLE agreed (
    source TEXT NOT NULL, line INTEGER NOT NULL, qty INTEGER NOT NULL, snapshot INTEGER NOT NULL,
    PRIMARY KEY (source, line)
  ) WITHOUT ROWID;
  CREATE TABLE history (
    source TEXT NOT NULL, line INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (source, line)
  ) WITHOUT ROWID;
  CREATE TABLE snapshot (
    number INTEGER PRIMARY KEY, source TEXT NOT NULL, snapshotId TEXT NOT NULL,
    window TEXT NOT NULL, UNIQUE (source, snapshotId)
  );
`;

/** Opens or makes the database; `:memory:` keeps it nowhere. */
export function openDatabase(path: string): Sql {
  let sql = new Database(path);
  if (path !== ':memory:') sql.pragma('journal_mode = WAL');
  sql.pragma('synchronous = NORMAL');
  sql.pragma('cache_size = -32000');
  sql.pragma('temp_store = MEMORY');
  if (!isOurs(sql)) sql = remade(sql);
  return sql;
}

function isOurs(sql: Sql): boolean {
  if (sql.pragma('user_version', { simple: true }) !== schemaVersion) return false;
  return sql.pragma('quick_check(1)', { simple: true }) === 'ok';
}

/** Throws everything away and begins anew. */
export function remade(sql: Sql): Sql {
  const tables = sql
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all() as { name: string }[];
  sql.transaction(() => {
    for (const { name } of tables) sql.exec(`DROP TABLE "${name}"`);
    sql.exec(schema);
    sql.pragma(`user_version = ${schemaVersion}`);
  })();
  return sql;
}
