import * as PgTypes from "@effect/sql-pg/PgTypes"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { make } from "../../../../src/layers/drivers/postgres/Database.ts"
import { databases, rowsOf, run } from "../../../servers/Databases.ts"
import { databaseOptions } from "./TestDatabase.ts"

const { newDatabase, server } = databases()

/** A database with one table, and its address. */
const withTable = Effect.gen(function*() {
  const url = yield* newDatabase
  yield* run(url, "CREATE TABLE t (id int PRIMARY KEY)")
  return { url, database: yield* make(databaseOptions(url)) }
})

/** Adds a number to the table. */
const add = (id: number) => ({
  sql: "INSERT INTO t VALUES ($1) RETURNING id",
  parameters: [PgTypes.int4(id)]
})

/** What the driver cannot even write down. */
const unsendable = { sql: "SELECT $1::int4", parameters: [PgTypes.int4(2 ** 40)] }

const stored = "SELECT id FROM t ORDER BY id"

describe("a transaction", () => {
  it.live("gives the rows of each of its statements", () =>
    Effect.scoped(Effect.gen(function*() {
      const { database } = yield* withTable
      const rows = yield* database.transaction("adding", [add(1), add(2)])
      assert.deepStrictEqual(rows, [[[1]], [[2]]])
    })))

  it.live.each(
    [
      ["that the server refuses", add(1), "23505"],
      ["that cannot be sent", unsendable, undefined]
    ] as const
  )(
    "stores nothing when it has a statement %s, and says why",
    ([, bad, code]) =>
      Effect.scoped(Effect.gen(function*() {
        const { database, url } = yield* withTable
        const failure = yield* Effect.flip(database.transaction("adding", [add(1), bad, add(2)]))
        assert.deepInclude(failure, { reason: "Refused", statement: "adding" })
        assert.strictEqual(failure.code, code)
        assert.deepStrictEqual(yield* rowsOf(url, stored), [])
        // The connection is as good as before.
        yield* database.transaction("adding", [add(3)])
        assert.deepStrictEqual(yield* rowsOf(url, stored), [{ id: 3 }])
      }))
  )

  it.live("has its connection alone: statements of others are not in it", () =>
    Effect.scoped(Effect.gen(function*() {
      const url = yield* newDatabase
      yield* run(url, "CREATE TABLE t (id int PRIMARY KEY)")
      const database = yield* make({ ...databaseOptions(url), connectionsMax: 1 })
      const failing = Effect.ignore(database.transaction("adding", [add(0), add(0)]))
      const single = (id: number) => database.query("adding", add(id).sql, add(id).parameters)
      yield* Effect.all(
        Array.from({ length: 20 }, (_, at) => at % 2 === 0 ? failing : single(at)),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(yield* rowsOf(url, stored), 10)
    })))

  it.live("is of unknown outcome when the server ends meanwhile", () =>
    Effect.scoped(Effect.gen(function*() {
      const { database } = yield* withTable
      const slow = { sql: "SELECT pg_sleep(30)", parameters: [] }
      const asked = yield* Effect.forkChild(
        Effect.flip(database.transaction("adding", [add(1), slow]))
      )
      yield* Effect.sleep("200 millis")
      const { start, stop } = yield* server
      yield* stop("immediate")
      assert.deepInclude(yield* Fiber.join(asked), { reason: "Unknown" })
      yield* start
    })))
})
