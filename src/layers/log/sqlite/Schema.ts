/**
 * The tables of the embedded log, first version. All rows but those of `meta` carry a checksum.
 */

/** "CFB" and a 1: tells our databases from others. */
export const applicationId = 0x43464201

/** Version of these tables. A database with a greater one is not opened. */
export const formatVersion = 1

/** Creates the tables in an empty database. `delayed` is for messages that wait for their time. */
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
  CREATE TABLE delayed (
    id TEXT PRIMARY KEY, due_at INTEGER NOT NULL, data TEXT NOT NULL,
    crc INTEGER NOT NULL) STRICT;
  CREATE INDEX delayed_due ON delayed (due_at);
  -- What was found damaged, as it was found.
  CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, key INTEGER NOT NULL, data ANY,
    bodies BLOB) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${formatVersion};
`
