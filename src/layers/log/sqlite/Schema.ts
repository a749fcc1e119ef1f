/**
 * The tables of the embedded log, third version, and the way there from the first. All rows but
 * those of `meta` carry a checksum.
 */

/** "CFB" and a 1: tells our databases from others. */
export const applicationId = 0x43464201

/** Version of these tables. A database with a greater one is not opened. */
export const formatVersion = 3

/** What version 2 brought: messages that wait for their time, and single rows. */
const second = `
  -- claimed_at: when its idempotency key was first used, if it has one.
  CREATE TABLE delayed (
    id TEXT PRIMARY KEY, due_at INTEGER NOT NULL, claimed_at INTEGER, bytes INTEGER NOT NULL,
    data TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
  CREATE INDEX delayed_due ON delayed (due_at, id, bytes);
  CREATE INDEX delayed_claimed ON delayed (claimed_at, id) WHERE claimed_at IS NOT NULL;
  -- 1: heads and firsts of all log lanes, and the latest id time; 2: live leases.
  CREATE TABLE singles (id INTEGER PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL) STRICT;
`

/** What version 3 brought: idempotency keys that outlive their messages. */
const third = `
  CREATE TABLE claims (
    id TEXT PRIMARY KEY, claimed_at INTEGER NOT NULL, data TEXT NOT NULL,
    crc INTEGER NOT NULL) STRICT;
  CREATE INDEX claims_claimed ON claims (claimed_at, id);
`

/** Creates the tables in an empty database. */
export const schema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('epoch', 0), ('clean', 1), ('next_incarnation', 1),
    ('next_dead_letter', 1), ('next_own_row', 1);
  -- One row per commit. The header comes first, so that reading it does not read the bodies.
  CREATE TABLE blocks (seq INTEGER PRIMARY KEY, header BLOB NOT NULL, bodies BLOB NOT NULL) STRICT;
  CREATE TABLE subscriptions (
    incarnation INTEGER PRIMARY KEY, data TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
  -- id = incarnation * 128 + log lane
  CREATE TABLE cursors (id INTEGER PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL) STRICT;
  CREATE TABLE own_rows (
    id INTEGER PRIMARY KEY, incarnation INTEGER NOT NULL, data TEXT NOT NULL,
    crc INTEGER NOT NULL) STRICT;
  CREATE INDEX own_rows_of ON own_rows (incarnation);
  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY, incarnation INTEGER NOT NULL, subscription TEXT NOT NULL,
    topic TEXT NOT NULL, failed_at INTEGER NOT NULL, data TEXT NOT NULL,
    crc INTEGER NOT NULL) STRICT;
  CREATE INDEX dead_letters_of ON dead_letters (incarnation);
  CREATE INDEX dead_letters_named ON dead_letters (subscription, id);
${second}${third}
  -- What was found damaged, as it was found.
  CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, key INTEGER NOT NULL, data ANY,
    bodies BLOB) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${formatVersion};
`

/** By version, what makes the tables of the next one of them. */
export const migrations: ReadonlyMap<number, string> = new Map([
  // Version 1 had a table for delayed messages, but nothing that wrote it.
  [1, `DROP TABLE delayed; ${second} PRAGMA user_version = 2;`],
  [2, `${third} PRAGMA user_version = 3;`]
])
