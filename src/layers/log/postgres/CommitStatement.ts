/**
 * The statement that commits: the blocks and changes of several partitions at once, each only if
 * its owner and its version are still those that the writer knows.
 *
 * One statement is one transaction and one way to the server and back, holds no lock while anybody
 * thinks, and says in the end which partitions it stored. A partition whose epoch has moved on has
 * another owner: nothing of it is stored, and the others are unaffected. The version makes it safe
 * to send it again when no answer came: it is stored once.
 */
import type * as PgTypes from "@effect/sql-pg/PgTypes"
import type { Statement } from "../../drivers/postgres/Database.ts"
import {
  type Columns,
  type Commit,
  type Form,
  heads,
  headsSet,
  partition,
  partsOf,
  unnested
} from "./CommitParts.ts"
import { schemaName } from "./Schema.ts"

/**
 * The statement for these commits, of a partition each; each row it returns is a partition that was
 * stored.
 */
export const statementOf = (commits: ReadonlyArray<Commit>): Statement => {
  const parameters: Array<PgTypes.Parameter> = []
  const form: Form = {
    given: (rows, columns) =>
      `${unnested(parameters, rows, { partition, ...columns })} JOIN owned USING (partition)`,
    guard: () => "",
    again: ""
  }
  const owned = `owned AS (${update(unnested(parameters, commits, owners))})`
  const parts = partsOf(commits).map((part, at) => `p${at} AS (${part(form)})`)
  return {
    sql: `WITH ${[owned, ...parts].join(",\n")}\nSELECT partition FROM owned`,
    parameters
  }
}

const owners: Columns<Commit> = {
  partition,
  epoch: ["int8", ({ epoch }) => epoch],
  version: ["int8", ({ version }) => version],
  ...heads
}

const update = (given: string): string =>
  `UPDATE ${schemaName}.partitions AS p SET ${headsSet} FROM ${given}
   WHERE p.partition = g.partition AND p.epoch = g.epoch AND p.version = g.version
   RETURNING p.partition`
