/**
 * The log where the tables are distributed, over a PostgreSQL that only says so: every statement of
 * the hot path names its partition, so that Citus sends it to one server.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import * as PostgresLog from "../../../../src/layers/log/postgres/PostgresLog.ts"
import { databases, run } from "../../../servers/Databases.ts"
import { postgres } from "../../../servers/Postgres.ts"
import { entriesOf, saidDuring } from "./HotPath.ts"
import { logOptions, sharedLogContracts } from "./TestLog.ts"

const { newDatabase, server } = databases(postgres({ log_statement: "'all'" }))

/** What the program asks of Citus: which tables are distributed, and a question to its servers. */
const standIn = [
  `CREATE VIEW pg_dist_partition AS SELECT to_regclass('codefactory.partitions') AS logicalrelid`,
  `CREATE FUNCTION run_command_on_workers(text) RETURNS TABLE (success boolean, result text)
   LANGUAGE sql AS $$ SELECT true, '' WHERE false $$`
]

const distributed = Effect.tap(
  newDatabase,
  (url) => Effect.forEach(standIn, (statement) => run(url, statement))
)

sharedLogContracts("PostgresLog, distributed", distributed)

/** What a worker says of its settings: `fsync`, and its synchronous standbys. */
const workersSay = (url: string, text: string, isThere = true) =>
  run(
    url,
    `CREATE OR REPLACE FUNCTION run_command_on_workers(text)
     RETURNS TABLE (success boolean, result text)
     LANGUAGE sql AS $$ VALUES (${isThere}, '${text}'), (true, 'on one') $$`
  )

describe("where the tables are distributed", () => {
  it.live("each server must sync, also those that only keep shards, and one that is away", () =>
    Effect.gen(function*() {
      const url = yield* distributed
      const opening = Effect.result(Effect.scoped(Layer.build(PostgresLog.layer(logOptions(url)))))
      assert.isTrue(Result.isSuccess(yield* opening))
      yield* workersSay(url, "on ")
      assert.isTrue(Result.isSuccess(yield* opening))
      for (const [said, isThere] of [["off one", true], ["could not connect", false]] as const) {
        yield* workersSay(url, said, isThere)
        assert.include(String(yield* opening), "fsync off")
      }
    }))

  it.live("each statement of the hot path is about one partition", () =>
    Effect.gen(function*() {
      const said = yield* saidDuring(yield* server, yield* distributed)
      const statements = [...new Set(entriesOf(said, /LOG: {2}(execute \S+|statement): /))]
      const tables = statements.filter((statement) => statement.includes("codefactory."))
      assert.deepStrictEqual(tables.filter((statement) => !isOfOnePartition(statement)), [])
      for (
        const part of [
          "INTO codefactory.blocks",
          "INTO codefactory.takes",
          "INTO codefactory.cursors",
          "FROM codefactory.takes"
        ]
      ) {
        assert.isTrue(tables.some((statement) => statement.includes(part)), part)
      }
    }), 30_000)
})

/** Each table in it is asked for the partition of its first parameter. */
const isOfOnePartition = (statement: string): boolean =>
  statement.includes("partition = $1") ||
  /^INSERT INTO \S+ \(partition, [^)]+\)\s+VALUES \(\$1, /.test(statement)
