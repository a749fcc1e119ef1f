/**
 * What the disk and SQLite give on this machine: the measurement behind the choice of the store.
 *
 * Each store commits messages of 256 bytes, already encoded, 1, 64 and 1,024 at a time, synced at
 * every commit, in one thread and without any of the bus around it. Run it with
 * `node tools/run.mjs bench/store.ts`.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"

/** One store at one batch size. */
export interface StoreResult {
  readonly store: string
  readonly batch: number
  readonly commitsPerSecond: number
  readonly messagesPerSecond: number
}

/** A way to make a batch durable; `close` gives everything back. */
interface Store {
  readonly name: string
  readonly commit: (batch: ReadonlyArray<Buffer>) => void
  readonly close: () => void
}

const messageBytes = 256
const batches = [1, 64, 1_024] as const
const segmentBytes = 512 * 1_048_576

const append = (directory: string): Store => {
  const fd = fs.openSync(join(directory, "append"), "a")
  return {
    name: "bare append + fdatasync",
    commit: (batch) => {
      fs.writeSync(fd, Buffer.concat(batch))
      fs.fdatasyncSync(fd)
    },
    close: () => fs.closeSync(fd)
  }
}

const segment = (directory: string): Store => {
  const fd = fs.openSync(join(directory, "segment"), "w")
  const zeros = Buffer.alloc(1_048_576)
  for (let at = 0; at < segmentBytes; at += zeros.length) fs.writeSync(fd, zeros)
  fs.fsyncSync(fd)
  let at = 0 // Where the next batch goes; it wraps, so that a fast disk needs no larger file.
  return {
    name: "preallocated segment + fdatasync",
    commit: (batch) => {
      const bytes = Buffer.concat(batch)
      at = at + bytes.length > segmentBytes ? 0 : at
      fs.writeSync(fd, bytes, 0, bytes.length, at)
      fs.fdatasyncSync(fd)
      at += bytes.length
    },
    close: () => fs.closeSync(fd)
  }
}

const openSqlite = (path: string, tables: string): DatabaseSync => {
  const db = new DatabaseSync(path)
  db.exec(
    `PRAGMA page_size = 16384; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;
     PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1024; ${tables}`
  )
  return db
}

const rows = (directory: string): Store => {
  const db = openSqlite(
    join(directory, "rows.db"),
    `CREATE TABLE messages (lane INTEGER, offset INTEGER, id BLOB, body BLOB,
       PRIMARY KEY (lane, offset)) STRICT, WITHOUT ROWID;
     CREATE INDEX by_id ON messages (id)`
  )
  const insert = db.prepare("INSERT INTO messages VALUES (?, ?, ?, ?)")
  let offset = 0 // Counts messages.
  return {
    name: "SQLite, a row per message",
    commit: (batch) => {
      db.exec("BEGIN")
      for (const message of batch) {
        insert.run(offset % 128, offset++, message.subarray(0, 16), message)
      }
      db.exec("COMMIT")
    },
    close: () => db.close()
  }
}

const blocks = (directory: string): Store => {
  const db = openSqlite(
    join(directory, "blocks.db"),
    "CREATE TABLE blocks (seq INTEGER PRIMARY KEY, body BLOB) STRICT"
  )
  const insert = db.prepare("INSERT INTO blocks (body) VALUES (?)")
  return {
    name: "SQLite, a block per commit",
    commit: (batch) => insert.run(Buffer.concat(batch)),
    close: () => db.close()
  }
}

const messages = (count: number): ReadonlyArray<Buffer> =>
  Array.from({ length: count }, (_, at) => {
    const message = Buffer.alloc(messageBytes, 120)
    message.writeUInt32LE(Math.imul(at, 0x9e3779b1) >>> 0) // Spread, as ids are.
    return message
  })

const measure = (store: Store, batch: number, durationMs: number): StoreResult => {
  const group = messages(batch)
  const start = performance.now()
  let commits = 0 // Counted while the time runs.
  while (performance.now() - start < durationMs) {
    for (const message of group) message.writeUInt32LE(commits, 4) // No two ids are equal.
    store.commit(group)
    commits++
  }
  const perSecond = commits / ((performance.now() - start) / 1_000)
  return {
    store: store.name,
    batch,
    commitsPerSecond: Math.round(perSecond),
    messagesPerSecond: Math.round(perSecond * batch)
  }
}

/** Measures every store at every batch size, in a fresh directory under `.run`. */
export const measureStores = (durationMs: number): ReadonlyArray<StoreResult> => {
  fs.mkdirSync(".run", { recursive: true })
  return [append, segment, rows, blocks].flatMap((open) => {
    const directory = fs.mkdtempSync(join(".run", "bench-store-"))
    const store = open(directory)
    try { // The files are large: they go whatever happens.
      return batches.map((batch) => measure(store, batch, durationMs))
    } finally {
      store.close()
      fs.rmSync(directory, { recursive: true })
    }
  })
}

if (import.meta.main) console.table(measureStores(2_000))
