import { assert, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as EmbeddedLog from "../../../src/layers/log/EmbeddedLog.ts"
import { MessageLog } from "../../../src/services/MessageLog.ts"
import { append } from "../../contracts/Append.ts"
import { delayedContract } from "../../contracts/DelayedContract.ts"
import { directory } from "../../contracts/Directory.ts"
import { durableLogContract } from "../../contracts/DurableLogContract.ts"
import {
  entryOf,
  everything,
  letterOf,
  neededFrom,
  payloadsOf,
  subscriptionOf
} from "../../contracts/LogSamples.ts"
import { messageLogContract } from "../../contracts/MessageLogContract.ts"
import { retentionContract } from "../../contracts/RetentionContract.ts"

const logAt = (path: string, pagesMax?: number) =>
  EmbeddedLog.layer({
    directory: path,
    claimsFor: Duration.hours(1),
    ...(pagesMax === undefined ? {} : { pagesMax })
  })

const withLogAt = <A, E>(
  path: string,
  use: (log: MessageLog["Service"]) => Effect.Effect<A, E>,
  pagesMax?: number
) => Effect.provide(MessageLog.use(use), logAt(path, pagesMax))

/** Why the log at `path` is not opened. */
const refusalOf = (path: string) => Effect.flip(withLogAt(path, () => Effect.void))

/** Changes the database while nobody has it open. */
const tamper = (path: string, sql: string) =>
  Effect.sync(() => {
    const db = new DatabaseSync(join(path, "log.db"))
    db.exec(sql)
    db.close()
  })

const embedded = Effect.map(directory, (path) => ({
  log: Layer.suspend(() => logAt(path)),
  // What is in the files now is what a killed process leaves.
  afterKill: Effect.map(directory, (copy) => {
    fs.cpSync(path, copy, { recursive: true })
    return logAt(copy)
  })
}))

messageLogContract("EmbeddedLog", embedded)
delayedContract("EmbeddedLog", embedded)
retentionContract("EmbeddedLog", embedded)
durableLogContract("EmbeddedLog", embedded)

it.effect("a log that is open refuses a second opener, in this process and in others", () =>
  Effect.gen(function*() {
    const path = yield* directory
    yield* withLogAt(path, () =>
      Effect.gen(function*() {
        const refusal = yield* refusalOf(path)
        assert.deepStrictEqual([refusal._tag, refusal.reason], ["LogUnopened", "Locked"])
        assert.include(refusal.detail, "another process uses it")
        const other = `
          import { DatabaseSync } from "node:sqlite"
          try {
            new DatabaseSync(process.argv[1], { timeout: 0 }).exec("BEGIN IMMEDIATE")
          } catch (error) { console.log(error.errcode) }`
        const args = ["--no-warnings", "--input-type=module", "-e", other]
        const said = (file: string) =>
          execFileSync(process.execPath, [...args, join(path, file)], { encoding: "utf8" }).trim()
        assert.deepStrictEqual([said("lock"), said("log.db")], ["5", "5"])
      }))
    yield* withLogAt(path, () => Effect.void)
  }))

it.effect("a log of a newer version, and what is no log, are refused by name", () =>
  Effect.gen(function*() {
    const path = yield* directory
    yield* withLogAt(path, (log) => append(log, [entryOf()]))
    yield* tamper(path, "PRAGMA user_version = 4")
    const newer = yield* refusalOf(path)
    assert.deepStrictEqual([newer.reason, newer.path], ["Newer", join(path, "log.db")])
    yield* tamper(path, "PRAGMA user_version = 3; PRAGMA application_id = 1")
    assert.strictEqual((yield* refusalOf(path)).reason, "Damaged")
    fs.writeFileSync(join(path, "log.db"), "this is no database, though it is long ".repeat(100))
    const garbage = yield* refusalOf(path)
    assert.strictEqual(garbage.reason, "Damaged")
    assert.include(garbage.detail, "restore it from a backup")
    const file = join(path, "file")
    fs.writeFileSync(file, "")
    assert.strictEqual((yield* refusalOf(file)).reason, "Damaged")
  }))

it.effect("one damaged message costs that message, and is reported as such", () =>
  Effect.gen(function*() {
    const path = yield* directory
    yield* withLogAt(
      path,
      (log) => append(log, ["\"a\"", "\"b\"", "\"c\""].map((payload) => entryOf({ payload })))
    )
    yield* tamper(
      path,
      `UPDATE blocks SET bodies = CAST(replace(CAST(bodies AS TEXT), '"b"', '"x"') AS BLOB)`
    )
    yield* withLogAt(path, (log) =>
      Effect.gen(function*() {
        const { damaged, entries, next } = yield* log.scan(everything(1))
        assert.deepStrictEqual([payloadsOf(entries), damaged, next], [["\"a\"", "\"c\""], [1], 3])
      }))
  }))

it.effect("a damaged block is set aside; its offsets are reported and not given out again", () =>
  Effect.gen(function*() {
    const path = yield* directory
    yield* withLogAt(path, (log) =>
      Effect.gen(function*() {
        yield* log.commit({ subscriptions: [subscriptionOf(1)] })
        for (const n of [0, 1, 2, 3]) yield* append(log, [entryOf({ payload: `${n}` })])
        yield* log.commit({
          cursors: [{ incarnation: 1, logLane: 1, floor: 0, ranges: [3, 4], attempts: [] }]
        })
      }))
    yield* tamper(
      path,
      `UPDATE blocks SET header = CAST(replace(CAST(header AS TEXT), 'orders', 'orderz') AS BLOB)
       WHERE seq IN (SELECT seq FROM blocks ORDER BY seq LIMIT 3 OFFSET 1)
         AND seq <> (SELECT seq FROM blocks ORDER BY seq LIMIT 1 OFFSET 2)`
    )
    yield* withLogAt(path, (log) =>
      Effect.gen(function*() {
        assert.strictEqual(log.recovered.damaged.length, 2)
        assert.include(log.recovered.damaged[0], "of blocks is damaged")
        assert.strictEqual(log.head(1), 4)
        const { damaged, entries } = yield* log.scan(everything(1))
        assert.deepStrictEqual([payloadsOf(entries), damaged], [["0", "2"], [1, 3]])
      }))
  }))

it.effect("damaged rows are set aside and named, and the rest is opened", () =>
  Effect.gen(function*() {
    const path = yield* directory
    const cursor = { incarnation: 1, logLane: 1, floor: 0, ranges: [], attempts: [] }
    yield* withLogAt(path, (log) =>
      log.commit({
        subscriptions: [subscriptionOf(1), subscriptionOf(2)],
        cursors: [cursor, { ...cursor, logLane: 2 }],
        deadLetters: [letterOf(1, 1), letterOf(2, 1)]
      }))
    yield* tamper(
      path,
      `UPDATE subscriptions SET data = replace(data, 's2', 's3');
       UPDATE cursors SET data = zeroblob(24) WHERE id = 130;
       UPDATE dead_letters SET data = replace(data, 'failed', 'worked') WHERE id = 1`
    )
    yield* withLogAt(path, (log) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(log.recovered.subscriptions, [subscriptionOf(1)])
        assert.deepStrictEqual(log.recovered.cursors, [cursor])
        assert.strictEqual(log.recovered.damaged.length, 2)
        assert.deepStrictEqual((yield* log.deadLetters({}, 0, 9)).map(({ id }) => id), [2])
      }))
    yield* withLogAt(path, (log) => Effect.sync(() => assert.deepEqual(log.recovered.damaged, [])))
  }))

it.effect("a full disk refuses commits without a trace; they work again once there is space", () =>
  Effect.gen(function*() {
    const path = yield* directory
    const payload = `"${"x".repeat(20_000)}"`
    const fill = Effect.fnUntraced(function*(log: MessageLog["Service"]) {
      yield* log.commit({ deadLetters: Array.from({ length: 50 }, (_, n) => letterOf(n + 1, 1)) })
      let refused = yield* Effect.option(Effect.flip(append(log, [entryOf({ payload })])))
      while (refused._tag === "None") {
        refused = yield* Effect.option(Effect.flip(append(log, [entryOf({ payload })])))
      }
      assert.strictEqual(refused.value.reason, "Full")
      const head = log.head(1)
      const ids = Array.from({ length: 50 }, (_, n) => n + 1)
      yield* log.commit({ deadLettersRemoved: ids })
      const small = entryOf({ payload: "1" })
      yield* append(log, [small])
      assert.strictEqual(small.offset, head)
      return head + 1
    })
    const head = yield* withLogAt(path, fill, 120)
    yield* withLogAt(path, (log) => Effect.sync(() => assert.strictEqual(log.head(1), head)))
  }))

it.effect("of many idempotency keys, it reads back the newest that are asked for", () =>
  Effect.gen(function*() {
    const path = yield* directory
    const keys = Array.from({ length: 20 }, (_, n) => `i${n}`)
    yield* withLogAt(
      path,
      (log) => Effect.forEach(keys, (idempotencyKey) => append(log, [entryOf({ idempotencyKey })]))
    )
    const few = EmbeddedLog.layer({
      directory: path,
      claimsFor: Duration.hours(1),
      claimsMax: 5
    })
    const read = MessageLog.use((log) => Effect.succeed(log.recovered.claims))
    const claims = yield* Effect.provide(read, few)
    assert.deepStrictEqual(claims.map((claim) => claim.idempotencyKey), keys.slice(-5))
    // Those whose messages were deleted count as well, each time.
    for (const more of [[], ["x"], ["y", "z"]]) {
      const found = yield* Effect.provide(
        MessageLog.use((log) =>
          Effect.gen(function*() {
            yield* Effect.forEach(more, (key) => append(log, [entryOf({ idempotencyKey: key })]))
            keys.push(...more)
            yield* log.truncate({ needed: neededFrom(log.head, {}), olderThan: 0, bytesMax: 0 })
            return log.recovered.claims
          })
        ),
        Layer.fresh(few)
      )
      assert.lengthOf(found, 5)
    }
    const last = yield* Effect.provide(read, Layer.fresh(few))
    assert.deepStrictEqual(last.map((claim) => claim.idempotencyKey), keys.slice(-5))
  }))
