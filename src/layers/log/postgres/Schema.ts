/**
 * The tables of the shared log, as the migrations that make them.
 *
 * Forward only, and online: pods of the version before go on beside a migrated schema, so a
 * migration adds, and what it replaces goes with a later version. Every table but the small ones
 * carries its partition first, which is what Citus distributes by.
 *
 * Messages are blocks (see "The store" in ARCHITECTURE.md), one for each partition of a commit.
 * Rows carry a checksum over key and data (`log/Rows.ts`).
 */

/** One step; its number and name are stored once it is done. */
export interface Migration {
  readonly id: number
  readonly name: string
  readonly statements: ReadonlyArray<string>
}

/** The PostgreSQL schema that holds all tables. */
export const schemaName = "codefactory"

const first: Migration = {
  id: 1,
  name: "log",
  statements: [
    // What must be the same for all pods.
    `CREATE TABLE codefactory.settings (key text PRIMARY KEY, value bigint NOT NULL)`,
    `INSERT INTO codefactory.settings VALUES ('partitions', 64), ('next_incarnation', 1)`,
    // One row per partition. version counts commits; epoch counts owners, and fences the former
    // ones. Updated by every commit, so there is room for new versions of a row on its page.
    `CREATE TABLE codefactory.partitions (
       partition integer PRIMARY KEY, epoch bigint NOT NULL, version bigint NOT NULL,
       owner text NOT NULL, clean boolean NOT NULL, next_own_row bigint NOT NULL,
       next_dead_letter bigint NOT NULL, bounds bytea, leases bytea) WITH (fillfactor = 20)`,
    `INSERT INTO codefactory.partitions
     SELECT partition, 0, 0, '', true, 1, 1, NULL, NULL FROM generate_series(0, 63) AS partition`,
    `CREATE TABLE codefactory.blocks (
       partition integer NOT NULL, seq bigint NOT NULL, header bytea NOT NULL,
       bodies bytea NOT NULL, PRIMARY KEY (partition, seq))`,
    // Large bodies aside and uncompressed: reading headers must not read them.
    `ALTER TABLE codefactory.blocks
       ALTER COLUMN header SET STORAGE EXTERNAL, ALTER COLUMN bodies SET STORAGE EXTERNAL`,
    `CREATE TABLE codefactory.subscriptions (
       incarnation bigint PRIMARY KEY, name text NOT NULL UNIQUE, data text NOT NULL,
       crc bigint NOT NULL)`,
    `CREATE TABLE codefactory.cursors (
       partition integer NOT NULL, incarnation bigint NOT NULL, log_lane integer NOT NULL,
       data bytea NOT NULL, crc bigint NOT NULL,
       PRIMARY KEY (partition, incarnation, log_lane)) WITH (fillfactor = 50)`,
    `CREATE TABLE codefactory.own_rows (
       partition integer NOT NULL, id bigint NOT NULL, incarnation bigint NOT NULL,
       data text NOT NULL, crc bigint NOT NULL, PRIMARY KEY (partition, id))`,
    `CREATE INDEX own_rows_of ON codefactory.own_rows (incarnation)`,
    `CREATE TABLE codefactory.dead_letters (
       partition integer NOT NULL, id bigint NOT NULL, incarnation bigint NOT NULL,
       subscription text NOT NULL, topic text NOT NULL, failed_at bigint NOT NULL,
       data text NOT NULL, crc bigint NOT NULL, PRIMARY KEY (partition, id))`,
    `CREATE INDEX dead_letters_listed ON codefactory.dead_letters (id)`,
    `CREATE INDEX dead_letters_of ON codefactory.dead_letters (incarnation)`,
    `CREATE INDEX dead_letters_named ON codefactory.dead_letters (subscription, id)`,
    // claimed_at: when its idempotency key was first used, if it has one.
    `CREATE TABLE codefactory.delayed (
       partition integer NOT NULL, id text NOT NULL, due_at bigint NOT NULL, claimed_at bigint,
       bytes bigint NOT NULL, data text NOT NULL, crc bigint NOT NULL,
       PRIMARY KEY (partition, id))`,
    `CREATE INDEX delayed_due ON codefactory.delayed (due_at, id)`,
    `CREATE INDEX delayed_claimed ON codefactory.delayed (partition, claimed_at, id)
       WHERE claimed_at IS NOT NULL`,
    // Idempotency keys that outlive their messages.
    `CREATE TABLE codefactory.claims (
       partition integer NOT NULL, id text NOT NULL, claimed_at bigint NOT NULL,
       data text NOT NULL, crc bigint NOT NULL, PRIMARY KEY (partition, id))`,
    `CREATE INDEX claims_claimed ON codefactory.claims (partition, claimed_at, id)`,
    // Hand-outs since the last checkpoint, as packed numbers.
    `CREATE TABLE codefactory.takes (
       partition integer NOT NULL, epoch bigint NOT NULL, number bigint NOT NULL,
       data bytea NOT NULL, PRIMARY KEY (partition, epoch, number))`,
    // What was found damaged, as it was found.
    `CREATE TABLE codefactory.quarantine (
       id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source text NOT NULL,
       partition integer NOT NULL, key text NOT NULL, data bytea, bodies bytea,
       found_at timestamptz NOT NULL DEFAULT now())`
  ]
}

const second: Migration = {
  id: 2,
  name: "leases",
  statements: [
    `CREATE TABLE codefactory.leases (
       name text PRIMARY KEY, owner text NOT NULL, token bigint NOT NULL,
       expires_at timestamptz NOT NULL) WITH (fillfactor = 50)`,
    `CREATE INDEX leases_ended ON codefactory.leases (expires_at)`,
    // Never goes back, also when rows are gone.
    `CREATE SEQUENCE codefactory.lease_tokens AS bigint`
  ]
}

/** What `effect/cluster` 4.1 keeps of pods; it is made here, so that who serves makes nothing. */
const third: Migration = {
  id: 3,
  name: "pods",
  statements: [
    `CREATE TABLE codefactory.bus_runners (
       machine_id serial PRIMARY KEY, address varchar(255) NOT NULL UNIQUE, runner text NOT NULL,
       healthy boolean NOT NULL DEFAULT true, last_heartbeat timestamp NOT NULL DEFAULT now())`,
    `CREATE TABLE codefactory.bus_locks (
       shard_id varchar(50) PRIMARY KEY, address varchar(255) NOT NULL,
       acquired_at timestamp NOT NULL)`
  ]
}

/** Tells a copy of this database from another one. */
const fourth: Migration = {
  id: 4,
  name: "identity",
  statements: [
    `INSERT INTO codefactory.settings
     VALUES ('identity', (random() * 9007199254740991)::bigint) ON CONFLICT DO NOTHING`
  ]
}

/** All migrations, in their order. */
export const migrations: ReadonlyArray<Migration> = [first, second, third, fourth]
