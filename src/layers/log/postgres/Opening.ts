/**
 * Taking over partitions, and reading what their rows say.
 *
 * The epoch of each goes up by one, which fences whoever owned it before: from then on that one's
 * commits store nothing. Everything is read after that, so nothing can change behind the reader. A
 * row that does not hold what its checksum says is moved to `quarantine` and named.
 */
import * as Effect from "effect/Effect"
import type { Subscription } from "../../../domain/Subscription.ts"
import type { Cursor, LeaseKept, OwnRow, Take } from "../../../services/MessageLog.ts"
import type { Querying, Row } from "../../drivers/postgres/Database.ts"
import { int4, int4s } from "../../drivers/postgres/Parameters.ts"
import type { LaneBounds } from "../LogStore.ts"
import {
  checksum,
  readBounds,
  readCursor,
  readLeases,
  readOwnRow,
  readSubscription,
  unsealed
} from "../Rows.ts"
import { readTakes } from "../TakesCodec.ts"
import { setAside, type Source } from "./Quarantine.ts"
import { schemaName } from "./Schema.ts"

/** What the row of a partition says after it was taken over. */
export interface PartitionRow {
  readonly partition: number
  readonly epoch: number
  readonly version: number
  /** Whether the owner before gave it back. */
  readonly clean: boolean
  readonly nextOwnRow: number
  readonly nextDeadLetter: number
  readonly bounds: LaneBounds | undefined
  readonly leases: ReadonlyArray<LeaseKept>
}

/** How many dead letters of a subscription a partition has. */
export interface LetterCount {
  readonly partition: number
  readonly incarnation: number
  readonly count: number
}

/** Delayed messages of a partition: how many, their bytes, and the latest of their ids. */
export interface DelayedCount {
  readonly count: number
  readonly bytes: number
  readonly idMax: string
}

/** What the rows of the partitions hold. */
export interface Opened {
  readonly partitions: ReadonlyArray<PartitionRow>
  readonly nextIncarnation: number
  readonly subscriptions: ReadonlyArray<Subscription>
  readonly cursors: ReadonlyArray<Cursor>
  readonly ownRows: ReadonlyArray<OwnRow>
  readonly takes: ReadonlyArray<Take>
  readonly deadLetters: ReadonlyArray<LetterCount>
  /** By partition; absent where there are none. */
  readonly delayed: ReadonlyMap<number, DelayedCount>
  /** Bytes of blocks by partition. */
  readonly sizes: ReadonlyMap<number, number>
  readonly damaged: ReadonlyArray<string>
}

/** Takes over these partitions for `owner` and reads their rows. */
export const open = Effect.fnUntraced(function*(
  database: Querying,
  partitions: ReadonlyArray<number>,
  owner: string
) {
  const wanted = int4s(partitions)
  const taken = yield* takeOver(database, partitions, owner)
  const read = (name: string, sql: string) => database.query(`open.${name}`, sql, [wanted])
  const rows = yield* Effect.all({
    settings: database.query("open.settings", settingsSql),
    subscriptions: database.query("open.subscriptions", subscriptionsSql),
    cursors: read("cursors", cursorsSql),
    ownRows: read("own rows", ownRowsSql),
    takes: read("takes", takesSql),
    letters: read("dead letters", lettersSql),
    delayed: read("delayed", delayedSql),
    sizes: read("sizes", sizesSql)
  }, { concurrency: "unbounded" })
  const damaged: Array<Damaged> = []
  const intact = <A>(
    source: Source,
    found: ReadonlyArray<Row>,
    decode: (row: Row) => A
  ): ReadonlyArray<A> =>
    found.flatMap((row) => {
      const [partition, key, data, crc] = row
      if (isData(data) && checksum(keyOf(key), data) === Number(crc)) return [decode(row)]
      damaged.push({ source, partition: Number(partition), key: String(key) })
      return []
    })
  const opened: Opened = {
    partitions: taken.map(readPartition).toSorted((a, b) => a.partition - b.partition),
    nextIncarnation: Number(rows.settings.find(([key]) => key === "next_incarnation")?.[1] ?? 1),
    subscriptions: intact(
      "subscriptions",
      rows.subscriptions,
      ([, , data]) => readSubscription(String(data))
    ),
    cursors: intact(
      "cursors",
      rows.cursors,
      ([, , data, , incarnation, logLane]) =>
        readCursor(Number(incarnation) * 128 + Number(logLane), bytesOf(data))
    ),
    ownRows: intact("own_rows", rows.ownRows, ([, , data]) => readOwnRow(String(data))),
    takes: rows.takes.flatMap(([data]) => readTakes(bytesOf(data))),
    deadLetters: rows.letters.map(([partition, incarnation, count]) => ({
      partition: Number(partition),
      incarnation: Number(incarnation),
      count: Number(count)
    })),
    delayed: new Map(rows.delayed.map(([partition, count, bytes, idMax]) => [
      Number(partition),
      { count: Number(count), bytes: Number(bytes), idMax: String(idMax) }
    ])),
    sizes: new Map(rows.sizes.map(([partition, bytes]) => [Number(partition), Number(bytes)])),
    damaged: yield* Effect.forEach(
      damaged,
      ({ key, partition, source }) => setAside(database, source, partition, key)
    )
  }
  return opened
})

/** One by one: Citus locks no rows of several shards in a statement. */
const takeOver = (database: Querying, partitions: ReadonlyArray<number>, owner: string) =>
  Effect.map(
    Effect.forEach(
      partitions,
      (partition) => database.query("open.take", takeSql, [int4(partition), owner]),
      { concurrency: "unbounded" }
    ),
    (rows) => rows.flat()
  )

interface Damaged {
  readonly source: Source
  readonly partition: number
  readonly key: string
}

const isData = (data: unknown): data is string | Uint8Array =>
  typeof data === "string" || data instanceof Uint8Array

const keyOf = (key: unknown): number | string => typeof key === "string" ? key : Number(key)

const bytesOf = (data: unknown): Buffer =>
  data instanceof Uint8Array
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.alloc(0)

const readPartition = (
  [partition, epoch, version, clean, nextOwnRow, nextDeadLetter, bounds, leases]: Row
): PartitionRow => ({
  partition: Number(partition),
  epoch: Number(epoch),
  version: Number(version),
  clean: clean === true,
  nextOwnRow: Number(nextOwnRow),
  nextDeadLetter: Number(nextDeadLetter),
  bounds: unsealed(bounds, readBounds),
  leases: unsealed(leases, readLeases) ?? []
})

const takeSql = `WITH old AS (SELECT partition, clean FROM ${schemaName}.partitions
    WHERE partition = $1 FOR UPDATE)
  UPDATE ${schemaName}.partitions AS p SET epoch = p.epoch + 1, owner = $2::text, clean = false
  FROM old WHERE p.partition = $1 AND old.partition = p.partition
  RETURNING p.partition, p.epoch, p.version, old.clean, p.next_own_row, p.next_dead_letter,
    p.bounds, p.leases`

const settingsSql = `SELECT key, value FROM ${schemaName}.settings`

const subscriptionsSql = `SELECT 0, incarnation, data, crc FROM ${schemaName}.subscriptions
  ORDER BY incarnation`

/** Of subscriptions that are gone, what a fenced owner wrote last may still be there. */
const cursorsSql =
  `SELECT c.partition, c.incarnation || '/' || c.log_lane, c.data, c.crc, c.incarnation,
    c.log_lane
  FROM ${schemaName}.cursors AS c JOIN ${schemaName}.subscriptions USING (incarnation)
  WHERE c.partition = ANY($1)`

const ownRowsSql = `SELECT r.partition, r.id, r.data, r.crc
  FROM ${schemaName}.own_rows AS r JOIN ${schemaName}.subscriptions USING (incarnation)
  WHERE r.partition = ANY($1) ORDER BY r.id`

const takesSql = `SELECT data FROM ${schemaName}.takes
  WHERE partition = ANY($1) ORDER BY partition, epoch, number`

const lettersSql = `SELECT partition, incarnation, count(*) FROM ${schemaName}.dead_letters
  WHERE partition = ANY($1) GROUP BY partition, incarnation`

const delayedSql = `SELECT partition, count(*), sum(bytes)::int8, max(id)
  FROM ${schemaName}.delayed WHERE partition = ANY($1) GROUP BY partition`

const sizesSql = `SELECT partition, sum(octet_length(header) + octet_length(bodies))::int8
  FROM ${schemaName}.blocks WHERE partition = ANY($1) GROUP BY partition`
