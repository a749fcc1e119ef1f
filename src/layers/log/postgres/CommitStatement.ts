/**
 * The statement that commits: the blocks and changes of several partitions at once, each only if
 * its owner and its version are still those that the writer knows.
 *
 * One statement is one transaction and one way to the server and back, holds no lock while anybody
 * thinks, and says in the end which partitions it stored. A partition whose epoch has moved on has
 * another owner: nothing of it is stored, and the others are unaffected. The version makes it safe
 * to send it again when no answer came: it is stored once.
 *
 * Its text has only the parts that have rows, so that the usual commit is short.
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

/** A statement and what goes with it; each row it returns is a partition that was stored. */
export interface Statement {
  readonly sql: string
  readonly parameters: ReadonlyArray<PgTypes.Parameter>
}

/** One column of rows to come: its type, and what stands there in each row. */
type Column<A> = readonly [type: ElementType, value: (row: A) => unknown]

type Columns<A> = Readonly<Record<string, Column<A>>>

/** Makes rows available to a statement, as a table `g` with these columns. */
type Source = <A>(rows: ReadonlyArray<A>, columns: Columns<A>) => string

/** A part of the statement; nothing when it has no rows. */
type Part = (source: Source) => string | undefined

/** A row of a partition. */
interface Of<A> {
  readonly partition: number
  readonly row: A
}

/** The statement for these commits, of a partition each. */
export const statementOf = (commits: ReadonlyArray<Commit>): Statement => {
  const parameters: Array<PgTypes.Parameter> = []
  const source: Source = (rows, columns) => {
    const arrays = Object.values(columns).map(([type, value]) => {
      parameters.push(arrayOf(type, rows.map(value)))
      return `$${parameters.length}::${type}[]`
    })
    return `unnest(${arrays.join(", ")}) AS g(${Object.keys(columns).join(", ")})`
  }
  const owned = `owned AS (${update(source(commits, heads))})`
  const parts = partsOf(commits).flatMap((part, at) => {
    const text = part(source)
    return text === undefined ? [] : [`p${at} AS (${text})`]
  })
  const sql = `WITH ${[owned, ...parts].join(",\n")}\nSELECT partition FROM owned`
  return { sql, parameters }
}

const update = (given: string): string =>
  `UPDATE ${schemaName}.partitions AS p
   SET version = p.version + 1, leases = coalesce(g.leases, p.leases),
     next_own_row = greatest(p.next_own_row, g.next_own_row),
     next_dead_letter = greatest(p.next_dead_letter, g.next_dead_letter)
   FROM ${given}
   WHERE p.partition = g.partition AND p.epoch = g.epoch AND p.version = g.version
   RETURNING p.partition`

const partition = ["int4", ({ partition }: { readonly partition: number }) => partition] as const

const heads: Columns<Commit> = {
  partition,
  epoch: ["int8", ({ epoch }) => epoch],
  version: ["int8", ({ version }) => version],
  next_own_row: ["int8", ({ changes }) => nextOf(changes.ownRows)],
  next_dead_letter: ["int8", ({ changes }) => nextOf(changes.deadLetters)],
  leases: [
    "bytea",
    ({ changes: { leases } }) => leases === undefined ? null : sealed(writeLeases(leases))
  ]
}

/** Above every id there is. */
const nextOf = (rows: ReadonlyMap<number, unknown>): number =>
  rows.size === 0 ? 1 : Math.max(...rows.keys()) + 1

const partsOf = (commits: ReadonlyArray<Commit>): ReadonlyArray<Part> => {
  const blocks = commits.flatMap(({ block, partition }) =>
    block === undefined ? [] : [{ partition, row: block }]
  )
  const cursors = commits.flatMap(({ changes, partition }) =>
    [...changes.cursors.values()].map((row) => ({ partition, row }))
  )
  return [
    insert("blocks", blocks, blockColumns),
    insert("cursors", cursors, cursorColumns, "partition, incarnation, log_lane"),
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
  const drop: Part = (source) =>
    removed.length === 0
      ? undefined
      : `DELETE FROM ${schemaName}.${table} AS t
         USING ${source(removed, { partition, id: key })} JOIN owned USING (partition)
         WHERE t.partition = g.partition AND t.id = g.id`
  return [insert(table, written, columns, "partition, id"), drop]
}

/** A part that adds rows; those whose key is there already are replaced. */
const insert =
  <A>(table: string, rows: ReadonlyArray<A>, columns: Columns<A>, key = ""): Part => (source) => {
    if (rows.length === 0) return undefined
    const names = Object.keys(columns)
    const replaced = names
      .filter((name) => !key.split(", ").includes(name))
      .map((name) => `${name} = excluded.${name}`)
    return `INSERT INTO ${schemaName}.${table} (${names.join(", ")})
      SELECT ${names.map((name) => `g.${name}`).join(", ")}
      FROM ${source(rows, columns)} JOIN owned USING (partition)
      ${key === "" ? "" : `ON CONFLICT (${key}) DO UPDATE SET ${replaced.join(", ")}`}`
  }

const blockColumns: Columns<Of<StoredBlock>> = {
  partition,
  seq: ["int8", ({ row }) => row.seq],
  header: ["bytea", ({ row }) => row.header],
  bodies: ["bytea", ({ row }) => row.bodies]
}

const cursorColumns: Columns<Of<Cursor>> = {
  partition,
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
  partition,
  id: ["int8", ({ row }) => row.id],
  incarnation: ["int8", ({ row }) => row.incarnation],
  data: ["text", json],
  crc: ["int8", jsonCrc]
}

const letterColumns: Columns<Of<DeadLetter>> = {
  partition,
  id: ["int8", ({ row }) => row.id],
  incarnation: ["int8", ({ row }) => row.incarnation],
  subscription: ["text", ({ row }) => row.subscription],
  topic: ["text", ({ row }) => row.message.topic],
  failed_at: ["int8", ({ row }) => row.failedAt],
  data: ["text", json],
  crc: ["int8", jsonCrc]
}

const delayedColumns: Columns<Of<Delayed>> = {
  partition,
  id: ["text", ({ row }) => row.id],
  due_at: ["int8", ({ row }) => row.dueAt],
  claimed_at: ["int8", ({ row }) => claimOf(row)?.acceptedAt ?? null],
  bytes: ["int8", ({ row }) => row.bytes],
  data: ["text", json],
  crc: ["int8", jsonCrc]
}
