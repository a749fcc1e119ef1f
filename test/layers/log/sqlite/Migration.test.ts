import { assert, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { BlockWriter } from "../../../../src/layers/log/BlockCodec.ts"
import { seal } from "../../../../src/layers/log/BlockLayout.ts"
import * as EmbeddedLog from "../../../../src/layers/log/EmbeddedLog.ts"
import { checksum } from "../../../../src/layers/log/Rows.ts"
import { MessageLog } from "../../../../src/services/MessageLog.ts"
import { append } from "../../../contracts/Append.ts"
import { directory } from "../../../contracts/Directory.ts"
import {
  delayedOf,
  entryOf,
  everything,
  neededFrom,
  payloadsOf,
  subscriptionOf
} from "../../../contracts/LogSamples.ts"

/** The tables of version 1, word for word. */
const firstSchema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('epoch', 0), ('clean', 1), ('next_incarnation', 1),
    ('next_dead_letter', 1), ('next_own_row', 1);
  -- One row per commit. The header comes first, so that reading it does not read the bodies.
  CREATE TABLE blocks (seq INTEGER PRIMARY KEY, header BLOB NOT NULL, bodies BLOB NOT NULL) STRICT;
  CREATE TABLE subscriptions (
    incarnation INTEGER PRIMARY KEY, data TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
  -- id = incarnation * 128 + log lane
  CREATE TABLE cursors (id INTEGER PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL) STRICT;
  CREATE TABLE own_rows (
    id INTEGER PRIMARY KEY, incarnation INTEGER NOT NULL, data TEXT NOT NULL,
    crc INTEGER NOT NULL) STRICT;
  CREATE INDEX own_rows_of ON own_rows (incarnation);
  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY, incarnation INTEGER NOT NULL, subscription TEXT NOT NULL,
    topic TEXT NOT NULL, failed_at INTEGER NOT NULL, data TEXT NOT NULL,
    crc INTEGER NOT NULL) STRICT;
  CREATE INDEX dead_letters_of ON dead_letters (incarnation);
  CREATE INDEX dead_letters_named ON dead_letters (subscription, id);
  CREATE TABLE delayed (
    id TEXT PRIMARY KEY, due_at INTEGER NOT NULL, data TEXT NOT NULL,
    crc INTEGER NOT NULL) STRICT;
  CREATE INDEX delayed_due ON delayed (due_at);
  -- What was found damaged, as it was found.
  CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, key INTEGER NOT NULL, data ANY,
    bodies BLOB) STRICT;
  PRAGMA application_id = 1128677889;
  PRAGMA user_version = 1;
`

/** A database as version 1 left it: one block, one subscription, one own row. */
const firstVersion = (path: string): void => {
  const db = new DatabaseSync(join(path, "log.db"))
  db.exec("PRAGMA page_size = 16384; PRAGMA journal_mode = WAL")
  db.exec(firstSchema)
  const { bodies, header } = new BlockWriter().write(1, [entryOf({ payload: "1" })], () => 0)
  new DataView(header.buffer, header.byteOffset).setUint32(4, 1, true) // Block version 1.
  seal(header, bodies)
  db.prepare("INSERT INTO blocks VALUES (1, ?, ?)").run(header, bodies)
  const subscription = JSON.stringify(subscriptionOf(1))
  db.prepare("INSERT INTO subscriptions VALUES (1, ?, ?)")
    .run(subscription, checksum(1, subscription))
  const { context: _, deliverAt: __, ...message } = entryOf().message
  const row = { id: 3, incarnation: 1, logLane: 1, after: 1, message, attempts: 2, dueAt: 0 }
  const data = JSON.stringify(row)
  db.prepare("INSERT INTO own_rows VALUES (3, 1, ?, ?)").run(data, checksum(3, data))
  db.exec("UPDATE meta SET value = 4 WHERE key = 'next_own_row'")
  db.exec("UPDATE meta SET value = 7 WHERE key = 'epoch'")
  db.close()
}

const withLogAt = <A, E>(
  path: string,
  use: (log: MessageLog["Service"]) => Effect.Effect<A, E>
) =>
  Effect.provide(
    MessageLog.use(use),
    EmbeddedLog.layer({ directory: path, claimsFor: Duration.hours(1) })
  )

it.effect("a database of version 1 is opened, goes on, and stays as the new version left it", () =>
  Effect.gen(function*() {
    const path = yield* directory
    firstVersion(path)
    const waiting = delayedOf(500)
    yield* withLogAt(path, (log) =>
      Effect.gen(function*() {
        const { damaged, delayedCount, epoch, leases, ownRows, subscriptions } = log.recovered
        assert.deepStrictEqual([damaged, epoch, delayedCount, leases], [[], 8, 0, []])
        assert.deepStrictEqual(subscriptions, [subscriptionOf(1)])
        assert.deepStrictEqual(ownRows.map(({ attempts, id, parked }) => [id, attempts, parked]), [
          [3, 2, undefined]
        ])
        assert.deepStrictEqual(payloadsOf((yield* log.scan(everything(1))).entries), ["1"])
        yield* append(log, [entryOf({ payload: "2" })], undefined, { delayed: [waiting] })
        yield* log.truncate({
          needed: neededFrom(log.head, { 1: 1 }),
          olderThan: Number.POSITIVE_INFINITY,
          bytesMax: 0
        })
      }))
    yield* withLogAt(path, (log) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(payloadsOf((yield* log.scan(everything(1))).entries), ["2"])
        assert.deepStrictEqual([log.first(1), log.head(1)], [1, 2])
        assert.deepStrictEqual(yield* log.delayed(undefined, 9, 1_000), [waiting])
      }))
  }))

it.effect("damaged delayed messages and single rows are set aside, and the rest is served", () =>
  Effect.gen(function*() {
    const path = yield* directory
    yield* withLogAt(path, (log) =>
      log.commit({
        delayed: [1, 2, 3].map((dueAt) => delayedOf(dueAt, { payload: `"p${dueAt}"` })),
        leases: [{
          incarnation: 1,
          logLane: 1,
          offset: 1,
          attempt: 1,
          leaseUntil: 1,
          order: undefined
        }]
      }))
    const db = new DatabaseSync(join(path, "log.db"))
    db.exec("UPDATE delayed SET data = replace(data, 'p1', 'q1') WHERE due_at < 3")
    db.exec("UPDATE delayed SET data = replace(data, 'p2', 'q2')")
    db.exec("UPDATE singles SET data = zeroblob(40)")
    db.close()
    yield* withLogAt(path, (log) =>
      Effect.gen(function*() {
        const { damaged, leases } = log.recovered
        assert.deepStrictEqual([damaged.length, leases], [1, []])
        // The two damaged ones come first, and a page of one would hold only one of them.
        const rows = yield* log.delayed(undefined, 1, 1_000)
        assert.deepStrictEqual(rows.map(({ dueAt }) => dueAt), [3])
      }))
  }))
