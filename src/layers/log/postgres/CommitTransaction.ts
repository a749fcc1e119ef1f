/**
 * The transaction that commits where Citus distributes the tables: of one partition alone, and in
 * statements that each go to the server that has the partition, and nowhere else.
 *
 * Citus would carry out the statement for several partitions too, but as rows that it fetches and
 * sends again. Each of these says for itself whether it still holds, by the row of the partition as
 * the first one left it; so sending them again does no harm.
 */
import type * as PgTypes from "@effect/sql-pg/PgTypes"
import type { Statement } from "../../drivers/postgres/Database.ts"
import { int4, int8 } from "../../drivers/postgres/Parameters.ts"
import { type Commit, type Form, heads, headsSet, partsOf, unnested } from "./CommitParts.ts"
import { schemaName } from "./Schema.ts"

/** The statements for a commit; the first returns a row if the partition was stored. */
export const transactionOf = (commit: Commit): ReadonlyArray<Statement> => [
  stating(
    commit,
    commit.version,
    (parameters) =>
      `UPDATE ${schemaName}.partitions AS p SET ${headsSet}
     FROM ${unnested(parameters, [commit], heads)}
     WHERE p.partition = $1 AND p.epoch = $2 AND p.version = $3 RETURNING p.partition`
  ),
  ...partsOf([commit]).map((part) =>
    stating(commit, commit.version + 1, (parameters) => part(formOf(parameters)))
  )
]

/** A statement about the partition of a commit as it is at a version: the first parameters. */
const stating = (
  { epoch, partition }: Commit,
  version: number,
  sql: (parameters: Array<PgTypes.Parameter>) => string
): Statement => {
  const parameters = [int4(partition), int8(epoch), int8(version)]
  return { sql: sql(parameters), parameters }
}

/** The partition stands in the text for each table, so that Citus sees which shards it needs. */
const formOf = (parameters: Array<PgTypes.Parameter>): Form => ({
  given: (rows, columns) =>
    `${schemaName}.partitions AS owned, ${unnested(parameters, rows, columns)}`,
  guard: (table) =>
    table === undefined ? ` WHERE ${isOwned}` : ` AND ${table}.partition = $1 AND ${isOwned}`,
  again: "ON CONFLICT DO NOTHING"
})

const isOwned = "owned.partition = $1 AND owned.epoch = $2 AND owned.version = $3"
