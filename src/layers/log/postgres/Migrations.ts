/**
 * Brings the schema of a database to the version of this program.
 *
 * Each migration is a transaction that holds an advisory lock to its end: of five pods on an empty
 * database one makes the tables and the others find them made; one that is killed leaves nothing,
 * and the next goes on from there. The lock ends with the transaction, so a pooler that hands out
 * connections per transaction does no harm.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Database, type Querying } from "../../drivers/postgres/Database.ts"
import type { DatabaseFailed } from "../../drivers/postgres/Failure.ts"
import { type Migration, migrations, schemaName } from "./Schema.ts"

/**
 * The database holds a newer schema than this program knows. Remedy: run the newer version of the
 * program.
 */
export class SchemaNewer extends Schema.TaggedError<SchemaNewer>()("SchemaNewer", {
  found: Schema.Int,
  known: Schema.Int
}) {
  override get message(): string {
    return `the database has schema ${this.found}, this version knows up to ${this.known}`
  }
}

/** Any number that no other program is likely to lock: "CFB" and a one. */
const lockKey = 0x43464201

/** Longest wait for another pod that migrates. Source: faults, F27. */
const lockTimeoutMs = 60_000

/** The migrations that a database lacks. */
export const planned = (
  known: ReadonlyArray<Migration> = migrations
): Effect.Effect<ReadonlyArray<Migration>, DatabaseFailed | SchemaNewer, Database> =>
  Effect.flatMap(Database, (database) => missing(database, known))

/** Runs what is missing; returns what this process ran. */
export const migrate = (
  known: ReadonlyArray<Migration> = migrations
): Effect.Effect<ReadonlyArray<Migration>, DatabaseFailed | SchemaNewer, Database> =>
  Effect.scoped(Effect.gen(function*() {
    const { reserve } = yield* Database
    const connection = yield* reserve
    const ran: Array<Migration> = []
    while (true) { // One at a time: what others ran meanwhile is seen.
      const [next] = yield* missing(connection, known)
      if (next === undefined) return ran
      if (yield* step(connection, next, known)) ran.push(next)
    }
  }))

const missing = Effect.fnUntraced(function*(
  connection: Querying,
  known: ReadonlyArray<Migration>
) {
  const [found] = yield* connection.query(
    "migrations.find",
    `SELECT to_regclass('${schemaName}.migrations') IS NOT NULL`
  )
  const applied = found?.[0] === true
    ? yield* connection.query("migrations.list", `SELECT id FROM ${schemaName}.migrations`)
    : []
  const ids = new Set(applied.map(([id]) => Number(id)))
  const newest = Math.max(0, ...ids)
  const latest = known.at(-1)?.id ?? 0
  if (newest > latest) return yield* new SchemaNewer({ found: newest, known: latest })
  return known.filter(({ id }) => !ids.has(id))
})

/** Runs a migration unless another pod did so while this one waited for the lock. */
const step = (
  connection: Querying,
  { id, name, statements }: Migration,
  known: ReadonlyArray<Migration>
) =>
  locked(
    connection,
    Effect.gen(function*() {
      const run = (sql: string, parameters: ReadonlyArray<unknown> = []) =>
        connection.query(`migrate ${id} ${name}`, sql, parameters)
      yield* run(`CREATE SCHEMA IF NOT EXISTS ${schemaName}`)
      yield* run(
        `CREATE TABLE IF NOT EXISTS ${schemaName}.migrations (
           id integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL)`
      )
      const [next] = yield* missing(connection, known)
      if (next?.id !== id) return false
      for (const statement of statements) yield* run(statement)
      yield* run(
        `INSERT INTO ${schemaName}.migrations VALUES ($1::int4, $2::text, clock_timestamp())`,
        [id, name]
      )
      return true
    })
  )

/** All of it or nothing, in one transaction, and by one process at a time. */
export const locked = <A, E>(
  connection: Querying,
  work: Effect.Effect<A, E>
): Effect.Effect<A, DatabaseFailed | E> =>
  transaction(
    connection,
    Effect.gen(function*() {
      const run = (sql: string) => connection.query("migrate lock", sql)
      yield* run(`SET LOCAL statement_timeout = ${lockTimeoutMs}`)
      yield* run(`SELECT pg_advisory_xact_lock(${lockKey})`)
      yield* run(`SET LOCAL statement_timeout = 0`)
      return yield* work
    })
  )

const transaction = <A, E>(connection: Querying, body: Effect.Effect<A, E>) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      yield* connection.query("begin", "BEGIN")
      const result = yield* Effect.onError(restore(body), () =>
        Effect.ignore(connection.query("rollback", "ROLLBACK")))
      yield* connection.query("commit", "COMMIT")
      return result
    })
  )
