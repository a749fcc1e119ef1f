import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { migrating } from "../../../../src/layers/log/postgres/PostgresLog.ts"
import { databases, rowsOf } from "../../../servers/Databases.ts"
import { citus } from "../../../servers/Postgres.ts"
import { entriesOf, saidDuring } from "./HotPath.ts"
import { logOptions, sharedLogContracts } from "./TestLog.ts"

const { newDatabase, server } = databases(citus)

sharedLogContracts("PostgresLog over Citus", newDatabase)

const tablesSql =
  `SELECT citus_table_type AS type, count(*)::int, count(DISTINCT colocation_id)::int
  AS places FROM citus_tables GROUP BY 1 ORDER BY 1`

describe("a database with Citus", () => {
  it.live(
    "has the tables of the log distributed once, what is of a partition together",
    () =>
      Effect.gen(function*() {
        const url = yield* newDatabase
        const step = (what: "plan" | "run") =>
          Effect.map(
            migrating({ ...logOptions(url), citus: true }, what),
            ({ distribution }) => distribution
          )
        assert.strictEqual(yield* step("plan"), "Missing")
        const made = yield* Effect.all([step("run"), step("run")], { concurrency: "unbounded" })
        assert.sameMembers(made, ["Made", "Present"])
        assert.strictEqual(yield* step("plan"), "Present")
        assert.deepStrictEqual(yield* rowsOf(url, tablesSql), [
          { type: "distributed", count: 8, places: 1 },
          { type: "reference", count: 2, places: 1 }
        ])
      }),
    60_000
  )

  it.live(
    "is asked one server at a time on the hot path, and for no rows to send on",
    () =>
      Effect.gen(function*() {
        const url = yield* newDatabase
        yield* migrating({ ...logOptions(url), citus: true }, "run")
        const said = yield* saidDuring(yield* server, url)
        const plans = entriesOf(said, /LOG: {2}duration: \S+ ms {2}plan:/)
          .filter((plan) => plan.includes("Citus"))
        assert.isNotEmpty(plans)
        const wide = plans.filter((plan) =>
          !plan.includes("Task Count: 1\n") || /Distributed Subplan|pull to coordinator/.test(plan)
        )
        assert.deepStrictEqual([...new Set(wide)], [])
      }),
    60_000
  )
})
