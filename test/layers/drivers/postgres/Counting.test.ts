import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { make } from "../../../../src/layers/drivers/postgres/Database.ts"
import {
  DatabaseCounts,
  databaseCounts,
  databaseSeries
} from "../../../../src/layers/observe/DatabaseCounts.ts"
import { databases } from "../../../servers/Databases.ts"
import { databaseOptions } from "./TestDatabase.ts"

const { newDatabase } = databases()

describe("the counts of a database", () => {
  it.live("tell of its connections, of waits, and of statements by name", () =>
    Effect.scoped(Effect.gen(function*() {
      const counts = new DatabaseCounts()
      const database = yield* Effect.provideService(
        make({ ...databaseOptions(yield* newDatabase), connectionsMax: 2 }),
        databaseCounts,
        counts
      )
      const value = (name: string, labels: Readonly<Record<string, string>>, suffix?: string) =>
        databaseSeries(counts, performance.now()).find((series) => series.name === name)
          ?.samples.find((sample) =>
            sample.suffix === suffix &&
            Object.entries(labels).every(([label, text]) => sample.labels[label] === text)
          )?.value
      const pool = { pool: "tests" }
      assert.strictEqual(value("database_connections", pool), 0)
      assert.strictEqual(value("database_connections_max", pool), 2)

      const slow = yield* Effect.forkChild(database.query("slow", "SELECT pg_sleep(0.3)"))
      yield* Effect.sleep("100 millis")
      assert.strictEqual(value("database_statements_under_way", pool), 1)
      yield* Effect.repeat(database.query("quick", "SELECT 1"), { times: 2 })
      yield* Effect.flip(database.query("wrong", "SELECT nothing"))
      yield* Fiber.join(slow)

      assert.strictEqual(value("database_statements_under_way", pool), 0)
      assert.strictEqual(value("database_statements_waiting", pool), 0)
      assert.strictEqual(value("database_connection_wait_seconds", pool, "_count"), 5)
      const times = "database_statement_duration_seconds"
      assert.strictEqual(value(times, { statement: "quick" }, "_count"), 3)
      assert.isAtLeast(value(times, { statement: "slow" }, "_sum") ?? 0, 0.3)
      assert.strictEqual(value("database_failures_total", { reason: "Refused" }), 1)
      assert.strictEqual(value("database_circuit_open", pool), 0)
      assert.isAbove(value("database_connections", pool) ?? 0, 0)
    })))
})
