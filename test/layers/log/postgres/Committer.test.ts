import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { Database, make } from "../../../../src/layers/drivers/postgres/Database.ts"
import { DatabaseFailed } from "../../../../src/layers/drivers/postgres/Failure.ts"
import { BlockWriter } from "../../../../src/layers/log/BlockCodec.ts"
import { seal } from "../../../../src/layers/log/BlockLayout.ts"
import type { Commit } from "../../../../src/layers/log/postgres/CommitParts.ts"
import * as Committer from "../../../../src/layers/log/postgres/Committer.ts"
import { migrate } from "../../../../src/layers/log/postgres/Migrations.ts"
import { netOf } from "../../../../src/layers/log/postgres/NetChanges.ts"
import * as Storing from "../../../../src/layers/log/postgres/Storing.ts"
import { entryOf } from "../../../contracts/LogSamples.ts"
import { databases, rowsOf, run } from "../../../servers/Databases.ts"
import { databaseOptions } from "../../drivers/postgres/TestDatabase.ts"

const { newDatabase } = databases()

const retrying = { attempts: 3, delay: Duration.millis(10) }

/** A migrated database, and its address. */
const migrated = Effect.gen(function*() {
  const url = yield* newDatabase
  const database = yield* make(databaseOptions(url))
  yield* Effect.provideService(migrate(), Database, database)
  return { url, database }
})

/** A commit of one message, the first of its partition. */
const commitOf = (partition: number, more: Partial<Commit> = {}): Commit => {
  const block = new BlockWriter().write(1, [entryOf({ logLane: partition * 2 })], () => 0)
  seal(block.header, block.bodies)
  return { partition, epoch: 0, version: 0, block, changes: netOf([]), ...more }
}

const blocksSql = "SELECT partition, seq::int FROM codefactory.blocks ORDER BY partition"
const versionsSql = `SELECT partition, version::int FROM codefactory.partitions
  WHERE version > 0 ORDER BY partition`

/** Loses the answers of the first commits: after they were carried out, or before. */
const losing = (
  storing: Storing.Storing,
  when: "before" | "after",
  count: number
): Storing.Storing => {
  const state = { left: count }
  return {
    ...storing,
    store: (commits) => {
      const asked = storing.store(commits)
      if (state.left === 0) return asked
      state.left--
      const lost = Effect.fail(
        new DatabaseFailed({ reason: "Unknown", statement: "log.commit", detail: "no answer" })
      )
      return when === "before" ? lost : Effect.andThen(asked, lost)
    }
  }
}

describe.each(
  [["in one statement", Storing.together], ["by partition", Storing.byPartition]] as const
)("the committer, %s", (_, storingOf) => {
  it.live.each(["before", "after"] as const)(
    "stores a commit once whose answer was lost twice, %s it was carried out",
    (when) =>
      Effect.scoped(Effect.gen(function*() {
        const { database, url } = yield* migrated
        const storing = losing(storingOf(database), when, 2)
        const { commit } = yield* Committer.make(database, storing, retrying)
        assert.strictEqual(yield* commit(commitOf(3)), "Stored")
        assert.deepStrictEqual(yield* rowsOf(url, blocksSql), [{ partition: 3, seq: 1 }])
        assert.deepStrictEqual(yield* rowsOf(url, versionsSql), [{ partition: 3, version: 1 }])
      }))
  )

  it.live("a fenced partition stores nothing, and the others of its statement all", () =>
    Effect.scoped(Effect.gen(function*() {
      const { database, url } = yield* migrated
      yield* run(url, "UPDATE codefactory.partitions SET epoch = 9 WHERE partition = 3")
      const { commit } = yield* Committer.make(database, storingOf(database), retrying)
      const outcomes = yield* Effect.all([3, 4].map((at) => commit(commitOf(at))), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(outcomes, ["Fenced", "Stored"])
      assert.deepStrictEqual(yield* rowsOf(url, blocksSql), [{ partition: 4, seq: 1 }])
    })))

  it.live("what the database refuses of one partition does not spoil the others", () =>
    Effect.scoped(Effect.gen(function*() {
      const { database, url } = yield* migrated
      yield* run(url, "ALTER TABLE codefactory.blocks ADD CHECK (partition <> 5)")
      const { commit } = yield* Committer.make(database, storingOf(database), retrying)
      const [bad, good] = yield* Effect.all(
        [Effect.flip(commit(commitOf(5))), commit(commitOf(6))],
        { concurrency: "unbounded" }
      )
      assert.deepInclude(bad, { reason: "Refused", code: "23514" })
      assert.strictEqual(good, "Stored")
      assert.deepStrictEqual(yield* rowsOf(url, blocksSql), [{ partition: 6, seq: 1 }])
    })))

  it.live("fails what was never sent after its tries, and what may have been only at the end", () =>
    Effect.scoped(Effect.gen(function*() {
      const { database } = yield* migrated
      const storing = storingOf(database)
      const state = { sent: 0 }
      const failing = (reason: "Unsent" | "Unknown"): Storing.Storing => ({
        ...storing,
        store: () => {
          state.sent++
          return Effect.fail(
            new DatabaseFailed({ reason, statement: "log.commit", detail: "away" })
          )
        }
      })
      const unsent = yield* Committer.make(database, failing("Unsent"), retrying)
      assert.deepInclude(yield* Effect.flip(unsent.commit(commitOf(1))), { reason: "Unsent" })
      assert.strictEqual(state.sent, 1 + retrying.attempts)
      const unknown = yield* Committer.make(database, failing("Unknown"), retrying)
      const waiting = yield* Effect.forkChild(Effect.flip(unknown.commit(commitOf(1))))
      yield* Effect.sleep("100 millis")
      assert.isUndefined(waiting.pollUnsafe(), "it may be stored, so nothing is said")
      assert.isAbove(state.sent, 2 + retrying.attempts)
      yield* unknown.giveUp
      assert.deepInclude(yield* Fiber.join(waiting), { reason: "Unknown" })
    })))
})
