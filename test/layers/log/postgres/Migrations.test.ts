import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Redacted } from "effect"
import { circuitPolicy, layer } from "../../../../src/layers/drivers/postgres/Database.ts"
import { migrate, planned } from "../../../../src/layers/log/postgres/Migrations.ts"
import { migrations } from "../../../../src/layers/log/postgres/Schema.ts"
import { databases, rowsOf, run } from "../../../servers/Databases.ts"

const { newDatabase } = databases()

/** A pod at a database. */
const at = (url: string) =>
  layer({
    url: Redacted.make(url),
    purpose: "tests",
    connectionsMax: 2,
    acquireTimeout: Duration.seconds(30),
    connectionAgeMax: Duration.hours(1),
    statementTimeout: Duration.minutes(5),
    isSynchronous: true,
    circuit: circuitPolicy
  })

const names = (steps: ReadonlyArray<{ readonly name: string }>) => steps.map(({ name }) => name)

/** A step that takes its time, so that it can be killed in the middle. */
const slow = [...migrations, {
  id: migrations.length + 1,
  name: "slow",
  statements: ["CREATE TABLE codefactory.slow (n int)", "SELECT pg_sleep(1)"]
}]

describe("migrations", () => {
  it.live("F27: five pods on an empty database run each of them once", () =>
    Effect.gen(function*() {
      const url = yield* newDatabase
      const ran = yield* Effect.all(
        Array.from({ length: 5 }, () => Effect.provide(migrate(), at(url))),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(ran.flatMap(names), names(migrations))
      const rows = yield* rowsOf(url, "SELECT id, name FROM codefactory.migrations")
      assert.deepStrictEqual(rows, migrations.map(({ id, name }) => ({ id, name })))
      assert.deepStrictEqual(yield* Effect.provide(migrate(), at(url)), [])
    }))

  it.live("F27: one that is killed leaves nothing, and the next goes on from there", () =>
    Effect.gen(function*() {
      const url = yield* newDatabase
      const killed = yield* Effect.forkChild(
        Effect.exit(Effect.provide(migrate(slow), at(url))),
        { startImmediately: true }
      )
      const sleeping = "FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(1)'"
      const found = Effect.filterOrFail(
        rowsOf(url, `SELECT pid ${sleeping}`),
        (rows) => rows.length > 0
      )
      yield* Effect.orDie(Effect.retry(found, { times: 500 }))
      yield* run(url, `SELECT pg_terminate_backend(pid) ${sleeping}`)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(killed)))
      assert.deepStrictEqual(names(yield* Effect.provide(planned(slow), at(url))), ["slow"])
      assert.deepStrictEqual(names(yield* Effect.provide(migrate(slow), at(url))), ["slow"])
    }))

  it.live("a plan changes nothing", () =>
    Effect.gen(function*() {
      const url = yield* newDatabase
      assert.deepStrictEqual(
        names(yield* Effect.provide(planned(), at(url))),
        names(migrations)
      )
      const schemas = "SELECT 1 AS one FROM pg_namespace WHERE nspname = 'codefactory'"
      assert.deepStrictEqual(yield* rowsOf(url, schemas), [])
    }))

  it.live("a schema of a newer version is left alone, with both versions named", () =>
    Effect.gen(function*() {
      const url = yield* newDatabase
      yield* Effect.provide(migrate(), at(url))
      yield* run(url, "INSERT INTO codefactory.migrations VALUES (99, 'later', now())")
      const error = yield* Effect.flip(Effect.provide(migrate(), at(url)))
      assert.deepInclude(error, { _tag: "SchemaNewer", found: 99, known: migrations.length })
    }))

  it.live("a user who may not make a schema is told so, with the server's words", () =>
    Effect.gen(function*() {
      const url = yield* newDatabase
      yield* run(url, "CREATE ROLE nobody_at_all LOGIN")
      const other = url.replace("postgres@", "nobody_at_all@")
      const error = yield* Effect.flip(Effect.provide(migrate(), at(other)))
      assert.deepInclude(error, { _tag: "DatabaseFailed", reason: "Refused", code: "42501" })
      yield* run(url, "DROP ROLE nobody_at_all")
    }))
})
