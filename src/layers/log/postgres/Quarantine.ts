/**
 * Setting damaged rows aside: out of the way of every later reading, and kept as they were found.
 */
import * as Effect from "effect/Effect"
import type { Querying } from "../../drivers/postgres/Database.ts"
import type { DatabaseFailed } from "../../drivers/postgres/Failure.ts"
import { int4 } from "../../drivers/postgres/Parameters.ts"
import { schemaName } from "./Schema.ts"

/** A table that is looked through, with what identifies a row within its partition. */
export type Source = keyof typeof sources

const sources = {
  blocks: { key: "seq::text", data: "header, bodies", partition: "partition" },
  subscriptions: {
    key: "incarnation::text",
    data: "convert_to(data, 'UTF8'), NULL",
    partition: "0"
  },
  cursors: {
    key: "incarnation || '/' || log_lane",
    data: "data, NULL",
    partition: "partition"
  },
  own_rows: { key: "id::text", data: "convert_to(data, 'UTF8'), NULL", partition: "partition" },
  delayed: { key: "id", data: "convert_to(data, 'UTF8'), NULL", partition: "partition" }
} as const

/** Moves a row to `quarantine`; returns a sentence that says so. */
export const setAside = (
  database: Querying,
  source: Source,
  partition: number,
  key: string
): Effect.Effect<string, DatabaseFailed> => {
  const columns = sources[source]
  const sql = `WITH gone AS (
      DELETE FROM ${schemaName}.${source}
      WHERE ${columns.partition} = $1 AND ${columns.key} = $2 RETURNING *)
    INSERT INTO ${schemaName}.quarantine (source, partition, key, data, bodies)
    SELECT '${source}', ${columns.partition}, ${columns.key}, ${columns.data} FROM gone`
  return Effect.as(
    database.query(`quarantine ${source}`, sql, [int4(partition), key]),
    `row ${key} of ${source} is damaged and was moved to the table quarantine`
  )
}
