/**
 * The SQLite database behind a reconciler: the ledger by line, the snapshot being compared, what is
 * remembered of lines and acknowledgements. All of it is derived or a matter of patience: a database
 * that is damaged, of another schema or of another journal is thrown away and made again.
 */

import Database from 'better-sqlite3';

/** Changes with every change of the tables. */
const schemaVersion = 5;

export type Sql = Database.Database;

const schema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE position (partition INTEGER PRIMARY KEY, seq INTEGER NOT NULL);

  -- Every SKU by its key, after its last event: what its rows should show.
  CREATE TABLE sku (
    key TEXT PRIMARY KEY, seq INTEGER NOT NULL, version INTEGER NOT NULL, stock TEXT NOT NULL,
    view TEXT NOT NULL, hasPolicy INTEGER NOT NULL,
    -- The journal did not have the SKU's beginning: the balance of its lines is not known.
    isTruncated INTEGER NOT NULL
  ) WITHOUT ROWID;
  -- How far each read model has been read, and its rows as they stand. confirmedSeq: the SKU's seq at
  -- which its owner called the row sound.
  CREATE TABLE looked (bucket TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE standing (
    key TEXT NOT NULL, bucket TEXT NOT NULL, revision INTEGER NOT NULL, shows TEXT NOT NULL,
    version INTEGER NOT NULL, seq INTEGER NOT NULL, confirmedSeq INTEGER NOT NULL,
    PRIMARY KEY (key, bucket)
  ) WITHOUT ROWID;

  -- A line of the ledger: what is long since posted is in its opening balance.
  CREATE TABLE line (
    id INTEGER PRIMARY KEY, sku TEXT NOT NULL, location TEXT NOT NULL, opening INTEGER NOT NULL,
    isTruncated INTEGER NOT NULL, comparedAtMs INTEGER NOT NULL DEFAULT 0, UNIQUE (sku, location)
  );
  CREATE TABLE entry (
    id INTEGER PRIMARY KEY, line INTEGER NOT NULL, delta INTEGER NOT NULL,
    occurredAtMs INTEGER NOT NULL, recordedAtMs INTEGER NOT NULL, seq INTEGER NOT NULL,
    lane TEXT NOT NULL, document TEXT NOT NULL,
    -- The source towards which it is a correction of ours.
    correctionOf TEXT
  );
  CREATE INDEX entryOfLine ON entry (line);
  CREATE INDEX entryOfDocument ON entry (document, lane);
  -- What a source has acknowledged: posted exactly then, or by then.
  CREATE TABLE posted (
    entry INTEGER NOT NULL, source TEXT NOT NULL, ms INTEGER NOT NULL, isExact INTEGER NOT NULL,
    PRIMARY KEY (entry, source)
  ) WITHOUT ROWID;
  CREATE TRIGGER dropPosted AFTER DELETE ON entry BEGIN
    DELETE FROM posted WHERE entry = old.id;
  END;
  -- Corrections with their evidence, for netting late facts against them.
  CREATE TABLE correction (
    seq INTEGER NOT NULL, line INTEGER NOT NULL, source TEXT NOT NULL, delta INTEGER NOT NULL,
    recordedAtMs INTEGER NOT NULL, evidence TEXT NOT NULL
  );
  CREATE INDEX correctionOfLine ON correction (line);

  -- Per source: how far its acknowledgements have been read, and those whose document is not known yet.
  CREATE TABLE acknowledged (source TEXT PRIMARY KEY, seq INTEGER NOT NULL, unmatched TEXT NOT NULL)
    WITHOUT ROWID;
  -- What a source has said of whole lanes, and when.
  CREATE TABLE lanePosted (
    source TEXT NOT NULL, lane TEXT NOT NULL, throughMs INTEGER NOT NULL, saidAtMs INTEGER NOT NULL
  );

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

/** Gone with the connection, and no concern of the disk's. */
const temporarySchema = `
  -- The snapshot that is being compared. isQuiet: nothing is in flight or remembered, and the number is
  -- ours.
  CREATE TEMP TABLE staged (
    id INTEGER PRIMARY KEY, sku TEXT NOT NULL, location TEXT NOT NULL, qty INTEGER NOT NULL,
    packSize INTEGER, line INTEGER, isQuiet INTEGER NOT NULL DEFAULT 0
  );
`;

/** Opens or makes the database; `:memory:` keeps it nowhere. */
export function openDatabase(path: string): Sql {
  const sql = new Database(path);
  if (path !== ':memory:') sql.pragma('journal_mode = WAL');
  sql.pragma('synchronous = NORMAL');
  sql.pragma('cache_size = -64000');
  // A staged snapshot in a file would wait for the disk that the journal waits for, and the journal for it.
  sql.pragma('temp_store = MEMORY');
  // Moved into the file in small portions: a large one would keep the journal from the disk.
  sql.pragma('wal_autocheckpoint = 1000');
  if (!isOurs(sql)) remake(sql);
  sql.exec(temporarySchema);
  return sql;
}

function isOurs(sql: Sql): boolean {
  if (sql.pragma('user_version', { simple: true }) !== schemaVersion) return false;
  return sql.pragma('quick_check(1)', { simple: true }) === 'ok';
}

/** Throws everything away and begins anew. */
export function remake(sql: Sql): void {
  const tables = sql
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all() as { name: string }[];
  sql.transaction(() => {
    for (const { name } of tables) sql.exec(`DROP TABLE "${name}"`);
    sql.exec(schema);
    sql.pragma(`user_version = ${schemaVersion}`);
  })();
}
