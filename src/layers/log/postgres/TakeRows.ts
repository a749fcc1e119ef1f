/**
 * How notes of hand-outs reach the database: all of a tick in one statement, or those of each
 * partition to the server that has it, where Citus distributes the tables.
 */
import * as PgTypes from "@effect/sql-pg/PgTypes"
import * as Effect from "effect/Effect"
import type { Querying } from "../../drivers/postgres/Database.ts"
import type { DatabaseFailed } from "../../drivers/postgres/Failure.ts"
import { arrayOf, int4, int4s, int8, int8s } from "../../drivers/postgres/Parameters.ts"
import { schemaName } from "./Schema.ts"

/** Hand-outs of one partition, noted together. */
export interface TakeRow {
  readonly partition: number
  readonly epoch: number
  /** Of the note; they go up. */
  readonly number: number
  readonly data: Uint8Array
}

/** The rows of all notes. */
export interface TakeRows {
  readonly add: (rows: ReadonlyArray<TakeRow>) => Effect.Effect<void, DatabaseFailed>
  /** Deletes what these owners noted, up to a number. */
  readonly forget: (
    owners: ReadonlyArray<Pick<TakeRow, "partition" | "epoch">>,
    through: number
  ) => Effect.Effect<void, DatabaseFailed>
}

/** In one statement each. */
export const together = (database: Querying): TakeRows => ({
  add: (rows) =>
    Effect.asVoid(database.query("takes.add", addSql, [
      int4s(rows.map(({ partition }) => partition)),
      int8s(rows.map(({ epoch }) => epoch)),
      int8s(rows.map(({ number }) => number)),
      arrayOf("bytea", rows.map(({ data }) => data))
    ])),
  forget: (owners, through) =>
    Effect.asVoid(database.query("takes.forget", forgetSql, [
      int4s(owners.map(({ partition }) => partition)),
      int8s(owners.map(({ epoch }) => epoch)),
      int8(through)
    ]))
})

const addSql = `INSERT INTO ${schemaName}.takes (partition, epoch, number, data)
  SELECT * FROM unnest($1::int4[], $2::int8[], $3::int8[], $4::bytea[])`

const forgetSql = `DELETE FROM ${schemaName}.takes AS t
  USING unnest($1::int4[], $2::int8[]) AS g(partition, epoch)
  WHERE t.partition = g.partition AND t.epoch = g.epoch AND t.number <= $3::int8`

/** In a statement for each partition, all under way at once. */
export const byPartition = (database: Querying): TakeRows => ({
  add: (rows) =>
    Effect.forEach(
      rows,
      ({ data, epoch, number, partition }) =>
        database.query("takes.add", addOneSql, [
          int4(partition),
          int8(epoch),
          int8(number),
          PgTypes.bytea(data)
        ]),
      { concurrency: "unbounded", discard: true }
    ),
  forget: (owners, through) =>
    Effect.forEach(
      owners,
      ({ epoch, partition }) =>
        database.query("takes.forget", forgetOneSql, [int4(partition), int8(epoch), int8(through)]),
      { concurrency: "unbounded", discard: true }
    )
})

const addOneSql = `INSERT INTO ${schemaName}.takes (partition, epoch, number, data)
  VALUES ($1, $2, $3, $4)`

const forgetOneSql = `DELETE FROM ${schemaName}.takes
  WHERE partition = $1 AND epoch = $2 AND number <= $3`
