/**
 * Distributes the tables over the servers of Citus, where the database has it.
 *
 * Everything of a partition lies on one server, so that a commit concerns that one alone; small
 * tables are on all. What belongs to no partition stays on the coordinator: leases, what pods know
 * of each other, the quarantine. Distributed tables stay so: whether they are is read from the
 * database, and a setting only asks for it.
 */
import * as Effect from "effect/Effect"
import type { Database, Querying } from "../../drivers/postgres/Database.ts"
import type { DatabaseFailed } from "../../drivers/postgres/Failure.ts"
import { locked } from "./Migrations.ts"
import { schemaName } from "./Schema.ts"

/**
 * How a database stands to Citus: its server has not loaded it (`Absent`); it could distribute the
 * tables (`Missing`); it just did (`Made`), or had done so before (`Present`).
 */
export type Distribution = "Absent" | "Missing" | "Made" | "Present"

/**
 * Shards of each distributed table, at most one of each for every partition: then partitions can be
 * moved between servers nearly one by one.
 */
const shardCount = 64

/** The table that the others lie beside. */
const first = `${schemaName}.partitions`

const beside = ["blocks", "cursors", "own_rows", "dead_letters", "delayed", "claims", "takes"]

/** Read by statements about any partition. */
const everywhere = ["settings", "subscriptions"]

/** Whether the tables of a database are distributed. */
export const isDistributed = (database: Querying): Effect.Effect<boolean, DatabaseFailed> =>
  Effect.gen(function*() {
    const [found] = yield* database.query("citus.find", findSql)
    if (found?.[0] !== true) return false
    const rows = yield* database.query("citus.tables", tablesSql)
    return rows.length > 0
  })

/** How a database stands to Citus now. */
export const standing = (database: Querying): Effect.Effect<Distribution, DatabaseFailed> =>
  Effect.gen(function*() {
    if (yield* isDistributed(database)) return "Present"
    const available = yield* database.query("citus.available", availableSql)
    return available.length > 0 ? "Missing" : "Absent"
  })

/** Distributes the tables, if the database can and has not: all of them, or none. */
export const distribute = (
  { reserve }: Pick<Database["Service"], "reserve">
): Effect.Effect<Distribution, DatabaseFailed> =>
  Effect.scoped(Effect.gen(function*() {
    const connection = yield* reserve
    const before = yield* standing(connection)
    if (before !== "Missing") return before
    // By itself: a transaction that made the extension may not distribute tables.
    yield* locked(connection, run(connection, "CREATE EXTENSION IF NOT EXISTS citus"))
    return yield* locked(
      connection,
      Effect.gen(function*() {
        if (yield* isDistributed(connection)) return "Present"
        for (const statement of statements) yield* run(connection, statement)
        return "Made"
      })
    )
  }))

const run = (connection: Querying, sql: string) => connection.query("migrate citus", sql)

const statements: ReadonlyArray<string> = [
  // Reference tables in the same transaction need the shards one after another.
  `SET LOCAL citus.multi_shard_modify_mode TO 'sequential'`,
  `SELECT create_distributed_table('${first}', 'partition', shard_count => ${shardCount})`,
  ...beside.map((table) =>
    `SELECT create_distributed_table('${schemaName}.${table}', 'partition',
       colocate_with => '${first}')`
  ),
  ...everywhere.map((table) => `SELECT create_reference_table('${schemaName}.${table}')`)
]

const findSql = "SELECT to_regclass('pg_dist_partition') IS NOT NULL"

const tablesSql = `SELECT 1 FROM pg_dist_partition WHERE logicalrelid = '${first}'::regclass`

/** Installed, and loaded: the settings of a library that is not loaded are unknown. */
const availableSql = `SELECT 1 FROM pg_available_extensions
  WHERE name = 'citus' AND current_setting('citus.version', true) IS NOT NULL`
