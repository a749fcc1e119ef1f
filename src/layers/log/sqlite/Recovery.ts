/**
 * Opening the database of a log: is it one, is it ours, and what stands in its rows.
 *
 * Rows and headers whose checksum fails are moved to `quarantine` and named, so that a start always
 * ends, with what is whole.
 */
import type { DatabaseSync, SQLOutputValue } from "node:sqlite"
import type { Failure } from "../../drivers/sqlite/Failure.ts"
import { isIntact } from "../BlockLayout.ts"
import {
  checksum,
  readBounds,
  readCursor,
  readLeases,
  readOwnRow,
  readSubscription,
  singles
} from "../Rows.ts"
import type { OpenedRows, PackedHeaders } from "./Protocol.ts"
import { applicationId, formatVersion, migrations, schema } from "./Schema.ts"

/** Bytes of headers per page: a start holds few of them twice. */
const pageBytesMax = 4 * 1_048_576

const pragma = (db: DatabaseSync, name: string): number =>
  Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0])

/** Bytes of the database in use, as a function that is cheap to call after every commit. */
export const sizer = (db: DatabaseSync): () => number => {
  const pageBytes = pragma(db, "page_size")
  const pages = db.prepare("PRAGMA page_count")
  const free = db.prepare("PRAGMA freelist_count")
  return () =>
    (Number(pages.get()?.["page_count"]) - Number(free.get()?.["freelist_count"])) * pageBytes
}

/** Makes the tables of a new database; says why another one is not a log that can be opened. */
export const prepare = (db: DatabaseSync): Failure | undefined => {
  const version = pragma(db, "user_version")
  const tables = db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"]
  if (tables === 0) {
    db.exec(`BEGIN; ${schema} COMMIT`)
    return undefined
  }
  if (pragma(db, "application_id") !== applicationId) {
    return { reason: "Damaged", detail: "it is a database of another program" }
  }
  if (version > formatVersion) {
    const detail = `it has format ${version}, this version reads up to ${formatVersion}`
    return { reason: "Newer", detail }
  }
  const steps = Array.from(
    { length: formatVersion - version },
    (_, step) => migrations.get(version + step) ?? ""
  )
  // One transaction, which ends with the connection when any of it fails.
  if (steps.length > 0) db.exec(`BEGIN; ${steps.join("")} COMMIT`)
  return undefined
}

/** Everything but blocks and dead letters. */
export const readRows = (db: DatabaseSync): OpenedRows => {
  const meta = new Map(
    db.prepare("SELECT key, value FROM meta").all().map(({ key, value }) => [key, Number(value)])
  )
  const damaged: Array<string> = []
  const intact = <A>(
    source: string,
    key: string,
    read: (data: string, key: number) => A
  ): Array<A> =>
    db.prepare(`SELECT ${key} AS key, data, crc FROM ${source} ORDER BY key`).all().flatMap((row) =>
      isUnchanged(row)
        ? [read(String(row["data"]), Number(row["key"]))]
        : setAside(db, source, key, Number(row["key"]), damaged)
    )
  const cursors = db.prepare("SELECT id AS key, data, crc FROM cursors").all().flatMap((row) =>
    isUnchanged(row) && row["data"] instanceof Uint8Array
      ? [readCursor(Number(row["key"]), row["data"])]
      : setAside(db, "cursors", "id", Number(row["key"]), damaged)
  )
  const single = (id: number): Uint8Array | undefined => {
    const row = db.prepare("SELECT id AS key, data, crc FROM singles WHERE id = ?").get(id)
    if (row === undefined) return undefined
    if (isUnchanged(row) && row["data"] instanceof Uint8Array) return row["data"]
    setAside(db, "singles", "id", id, damaged)
    return undefined
  }
  const bounds = single(singles.bounds)
  const leases = single(singles.leases)
  const delayed = db.prepare(
    "SELECT count(*) AS n, total(bytes) AS bytes, max(id) AS last FROM delayed"
  ).get()
  const last = delayed?.["last"]
  const counts = db.prepare(
    "SELECT incarnation, count(*) AS n FROM dead_letters GROUP BY incarnation"
  ).all()
  return {
    epoch: meta.get("epoch") ?? 0,
    clean: meta.get("clean") === 1,
    nextIncarnation: meta.get("next_incarnation") ?? 1,
    nextDeadLetter: meta.get("next_dead_letter") ?? 1,
    nextOwnRow: meta.get("next_own_row") ?? 1,
    subscriptions: intact("subscriptions", "incarnation", readSubscription),
    ownRows: intact("own_rows", "id", readOwnRow),
    cursors,
    bounds: bounds === undefined ? undefined : readBounds(bounds),
    leases: leases === undefined ? [] : readLeases(leases),
    delayedCount: Number(delayed?.["n"]),
    delayedBytes: Number(delayed?.["bytes"]),
    delayedIdMax: typeof last === "string" ? last : undefined,
    deadLetterCounts: new Map(counts.map(({ incarnation, n }) => [Number(incarnation), Number(n)])),
    damaged,
    sizeBytes: sizer(db)()
  }
}

/** A page of block headers above `after`. */
export const readHeaders = (db: DatabaseSync, after: number): PackedHeaders => {
  const seqs: Array<number> = []
  const headers: Array<Uint8Array> = []
  const damaged: Array<string> = []
  const rows = db.prepare("SELECT seq, header FROM blocks WHERE seq > ? ORDER BY seq")
  let bytes = 0 // A running sum over up to 100,000 rows.
  let last = after
  for (const { header, seq } of rows.iterate(after)) {
    last = Number(seq)
    if (header instanceof Uint8Array && isIntact(header)) {
      seqs.push(last)
      headers.push(header)
      bytes += header.byteLength
    } else damaged.push(String(seq))
    if (bytes >= pageBytesMax) break
  }
  const sentences: Array<string> = []
  for (const seq of damaged) setAside(db, "blocks", "seq", Number(seq), sentences)
  return {
    seqs,
    lengths: headers.map(({ byteLength }) => byteLength),
    bytes: new Uint8Array(Buffer.concat(headers)),
    damaged: sentences,
    next: bytes >= pageBytesMax ? last : undefined
  }
}

const isUnchanged = ({ crc, data, key }: Record<string, SQLOutputValue>): boolean =>
  (typeof data === "string" || data instanceof Uint8Array) && checksum(Number(key), data) === crc

/** Moves a row to `quarantine`, and says so. */
export const setAside = (
  db: DatabaseSync,
  source: string,
  column: string,
  key: number,
  sentences: Array<string>
): [] => {
  const data = source === "blocks" ? "header, bodies" : "data, NULL"
  db.exec("SAVEPOINT aside")
  db.prepare(
    `INSERT INTO quarantine (source, key, data, bodies) SELECT '${source}', ${column}, ${data}
     FROM ${source} WHERE ${column} = ?`
  ).run(key)
  db.prepare(`DELETE FROM ${source} WHERE ${column} = ?`).run(key)
  db.exec("RELEASE aside")
  sentences.push(`row ${key} of ${source} is damaged and was moved to the table quarantine`)
  return []
}
