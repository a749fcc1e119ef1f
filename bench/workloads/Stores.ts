/**
 * What the disk and SQLite give on this machine: the measurement behind the choice of the store.
 *
 * Each store commits messages of 256 bytes, already encoded, so many at a time, synced at every
 * commit, in one thread and without any of the bus around it.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { withDirectory } from "../load/Directory.ts"
import { timed } from "../Timing.ts"
import type { Contender, Workload } from "../Workload.ts"

/** A way to make a batch durable; `close` gives everything back. */
interface Store {
  readonly commit: (batch: ReadonlyArray<Buffer>) => void
  readonly close: () => void
}

const messageBytes = 256

/** Messages of a commit, and commits of one run. */
const sizes = [
  { batch: 1, commits: 400 },
  { batch: 64, commits: 200 },
  { batch: 1_024, commits: 60 }
]

const segmentBytes = 64 * 1_048_576

const append = (directory: string): Store => {
  const fd = fs.openSync(join(directory, "append"), "a")
  return {
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

const contenders = (
  series: string,
  openStore: (directory: string) => Store
): ReadonlyArray<Contender> =>
  sizes.map(({ batch, commits }) => ({
    name: `${series}, ${batch}`,
    kept: "synced to disk",
    x: batch,
    series,
    open: (smoke) =>
      withDirectory(async (directory) => {
        const { close, commit } = openStore(directory)
        const group = messages(batch)
        const times = smoke ? 2 : commits
        const state = { commits: 0 }
        const run = () =>
          timed(times * batch, async () => {
            for (let time = 0; time < times; time++) {
              // No two ids are equal.
              for (const message of group) message.writeUInt32LE(state.commits, 4)
              state.commits++
              commit(group)
            }
            return times * batch
          })
        return { run, close: async () => close() }
      })
  }))

/** The stores, by messages per commit. */
export const stores: Workload = {
  name: "stores",
  title: "Ways to make a commit durable",
  unit: "messages",
  note: `One writer without a bus, messages of ${messageBytes} bytes, by messages per commit.`,
  aims: [],
  isolated: true,
  contenders: [
    ...contenders("bare append + fdatasync", append),
    ...contenders("preallocated segment + fdatasync", segment),
    ...contenders("SQLite, a row per message", rows),
    ...contenders("SQLite, a block per commit", blocks)
  ],
  axis: "messages per commit"
}
