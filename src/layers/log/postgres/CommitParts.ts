/**
 * What a commit stores beside the row of its partition, as parts of a statement: rows to add, and
 * rows to delete. In which form they reach the server is for the statement to say.
 */
import type * as PgTypes from "@effect/sql-pg/PgTypes"
import type { DeadLetter } from "../../../domain/DeadLetter.ts"
import type { Cursor, Delayed, OwnRow } from "../../../services/MessageLog.ts"
import { arrayOf, type ElementType } from "../../drivers/postgres/Parameters.ts"
import type { StoredBlock } from "../BlockCodec.ts"
import { claimOf } from "../ClaimOf.ts"
import { checksum, sealed, writeCursor, writeLeases } from "../Rows.ts"
import type { NetChanges } from "./NetChanges.ts"
import { schemaName } from "./Schema.ts"

/** What one partition commits. `version` is how many commits it has had. */
export interface Commit {
  readonly partition: number
  readonly epoch: number
  readonly version: number
  /** Sealed. */
  readonly block: StoredBlock | undefined
  readonly changes: NetChanges
}

/** One column of rows to come: its type, and what stands there in each row. */
type Column<A> = readonly [type: ElementType, value: (row: A) => unknown]

/** The columns of rows to come, by name. */
export type Columns<A> = Readonly<Record<string, Column<A>>>

/** How the parts of a statement get their rows, and only those of who owns the partition. */
export interface Form {
  /** A table `g` of these rows, joined with `owned`, which has their partition. */
  readonly given: <A extends InPartition>(rows: ReadonlyArray<A>, columns: Columns<A>) => string
  /** What else must hold, for a table `t` that is changed too. */
  readonly guard: (table?: "t") => string
  /** What becomes of a block that is there already: a fault, unless statements are sent again. */
  readonly again: "" | "ON CONFLICT DO NOTHING"
}

/** A part of a statement in the given form. */
export type Part = (form: Form) => string

/** Something of a partition. */
interface InPartition {
  readonly partition: number
}

/** A row of a partition. */
interface Of<A> extends InPartition {
  readonly row: A
}

/** Rows as arrays, one for each column; adds them to the parameters. */
export const unnested = <A>(
  parameters: Array<PgTypes.Parameter>,
  rows: ReadonlyArray<A>,
  columns: Columns<A>
): string => {
  const arrays = Object.values(columns).map(([type, value]) => {
    parameters.push(arrayOf(type, rows.map(value)))
    return `$${parameters.length}::${type}[]`
  })
  return `unnest(${arrays.join(", ")}) AS g(${Object.keys(columns).join(", ")})`
}

/** The column that says whose a row is. */
export const partition = ["int4", ({ partition }: InPartition) => partition] as const

/** What a commit changes in the row of its partition. */
export const heads: Columns<Commit> = {
  next_own_row: ["int8", ({ changes }) => nextOf(changes.ownRows)],
  next_dead_letter: ["int8", ({ changes }) => nextOf(changes.deadLetters)],
  leases: [
    "bytea",
    ({ changes: { leases } }) => leases === undefined ? null : sealed(writeLeases(leases))
  ]
}

/** The assignments to the row of a partition, from a table `g` of `heads`. */
export const headsSet = `version = p.version + 1, leases = coalesce(g.leases, p.leases),
     next_own_row = greatest(p.next_own_row, g.next_own_row),
     next_dead_letter = greatest(p.next_dead_letter, g.next_dead_letter)`

/** Above every id there is. */
const nextOf = (rows: ReadonlyMap<number, unknown>): number =>
  rows.size === 0 ? 1 : Math.max(...rows.keys()) + 1

/** The parts that have rows, so that the usual commit is short. */
export const partsOf = (commits: ReadonlyArray<Commit>): ReadonlyArray<Part> => {
  const blocks = commits.flatMap(({ block, partition }) =>
    block === undefined ? [] : [{ partition, row: block }]
  )
  const cursors = commits.flatMap(({ changes, partition }) =>
    [...changes.cursors.values()].map((row) => ({ partition, row }))
  )
  return [
    ...insert("blocks", blocks, blockColumns),
    ...insert("cursors", cursors, cursorColumns, "incarnation, log_lane"),
    ...kept("own_rows", commits, ({ ownRows }) => ownRows, ownRowColumns, id),
    ...kept("dead_letters", commits, ({ deadLetters }) => deadLetters, letterColumns, id),
    ...kept("delayed", commits, ({ delayed }) => delayed, delayedColumns, delayedId)
  ]
}

const id: Column<Of<number>> = ["int8", ({ row }) => row]
const delayedId: Column<Of<string>> = ["text", ({ row }) => row]

/** The parts that write what is there in the end, and delete what is not. */
const kept = <K, A>(
  table: string,
  commits: ReadonlyArray<Commit>,
  rows: (changes: NetChanges) => ReadonlyMap<K, A | undefined>,
  columns: Columns<Of<A>>,
  key: Column<Of<K>>
): ReadonlyArray<Part> => {
  const all = commits.flatMap(({ changes, partition }) =>
    [...rows(changes)].map(([key, row]) => ({ partition, key, row }))
  )
  const written = all.flatMap(({ partition, row }) => row === undefined ? [] : [{ partition, row }])
  const removed = all.flatMap(({ key, partition, row }) =>
    row === undefined ? [{ partition, row: key }] : []
  )
  const drop: Part = ({ given, guard }) =>
    `DELETE FROM ${schemaName}.${table} AS t USING ${given(removed, { id: key })}
     WHERE t.partition = owned.partition AND t.id = g.id${guard("t")}`
  return [...insert(table, written, columns, "id"), ...removed.length === 0 ? [] : [drop]]
}

/** The part that adds rows; those whose `key` is there already are replaced, if there is one. */
const insert = <A>(
  table: string,
  rows: ReadonlyArray<Of<A>>,
  columns: Columns<Of<A>>,
  key = ""
): ReadonlyArray<Part> => {
  if (rows.length === 0) return []
  const names = Object.keys(columns)
  const replaced = names
    .filter((name) => !key.split(", ").includes(name))
    .map((name) => `${name} = excluded.${name}`)
    .join(", ")
  return [
    ({ again, given, guard }) =>
      `INSERT INTO ${schemaName}.${table} (partition, ${names.join(", ")})
     SELECT owned.partition, ${names.map((name) => `g.${name}`).join(", ")}
     FROM ${given(rows, columns)}${guard()}
     ${key === "" ? again : `ON CONFLICT (partition, ${key}) DO UPDATE SET ${replaced}`}`
  ]
}

const blockColumns: Columns<Of<StoredBlock>> = {
  seq: ["int8", ({ row }) => row.seq],
  header: ["bytea", ({ row }) => row.header],
  bodies: ["bytea", ({ row }) => row.bodies]
}

const cursorColumns: Columns<Of<Cursor>> = {
  incarnation: ["int8", ({ row }) => row.incarnation],
  log_lane: ["int4", ({ row }) => row.logLane],
  data: ["bytea", ({ row }) => writeCursor(row)],
  crc: ["int8", ({ row }) => checksum(`${row.incarnation}/${row.logLane}`, writeCursor(row))]
}

/** The checksum of a row that is stored as JSON. */
const jsonCrc = ({ row }: Of<{ readonly id: number | string }>): number =>
  checksum(row.id, JSON.stringify(row))

const json = ({ row }: Of<unknown>): string => JSON.stringify(row)

const ownRowColumns: Columns<Of<OwnRow>> = {
  id: ["int8", ({ row }) => row.id],
  incarnation: ["int8", ({ row }) => row.incarnation],
  data: ["text", json],
  crc: ["int8", jsonCrc]
}

const letterColumns: Columns<Of<DeadLetter>> = {
  id: ["int8", ({ row }) => row.id],
  incarnation: ["int8", ({ row }) => row.incarnation],
  subscription: ["text", ({ row }) => row.subscription],
  topic: ["text", ({ row }) => row.message.topic],
  failed_at: ["int8", ({ row }) => row.failedAt],
  data: ["text", json],
  crc: ["int8", jsonCrc]
}

const delayedColumns: Columns<Of<Delayed>> = {
  id: ["text", ({ row }) => row.id],
  due_at: ["int8", ({ row }) => row.dueAt],
  claimed_at: ["int8", ({ row }) => claimOf(row)?.acceptedAt ?? null],
  bytes: ["int8", ({ row }) => row.bytes],
  data: ["text", json],
  crc: ["int8", jsonCrc]
}
