/**
 * What every log keeps of delayed messages, and what it can count.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, type Scope } from "effect"
import { MessageLog } from "../../src/services/MessageLog.ts"
import { append } from "./Append.ts"
import { delayedOf, entryOf, everything, payloadsOf } from "./LogSamples.ts"
import type { LogUnderTest } from "./MessageLogContract.ts"

/** The suite. `make` gives a new, empty log each time. */
export const delayedContract = (
  name: string,
  make: Effect.Effect<LogUnderTest, never, Scope.Scope>
) => {
  const withLog = <A, E>(use: (log: MessageLog["Service"]) => Effect.Effect<A, E>) =>
    Effect.flatMap(make, ({ log }) => Effect.provide(MessageLog.use(use), log))

  describe(name, () => {
    it.effect("pages delayed messages in the order in which they are due", () =>
      withLog(Effect.fnUntraced(function*(log) {
        const rows = [300, 100, 200, 100, 400].map((dueAt) => delayedOf(dueAt))
        yield* log.commit({ delayed: rows.slice(0, 4) })
        yield* log.commit({ delayed: rows.slice(4) })
        const sorted = rows.toSorted((a, b) => a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1))
        assert.deepStrictEqual(yield* log.delayed(undefined, 9, 1_000), sorted)
        const page = yield* log.delayed(undefined, 2, 1_000)
        assert.deepStrictEqual(page, sorted.slice(0, 2))
        assert.deepStrictEqual(yield* log.delayed(page[1], 9, 1_000), sorted.slice(2))
        assert.deepStrictEqual(yield* log.delayed(page[0], 1, 1_000), sorted.slice(1, 2))
        assert.deepStrictEqual(yield* log.delayed(sorted[4], 9, 1_000), [])
      })))

    it.effect("a page of delayed messages keeps to its bytes, but is never empty", () =>
      withLog(Effect.fnUntraced(function*(log) {
        const payload = `"${"x".repeat(98)}"`
        yield* log.commit({ delayed: [1, 2, 3].map((dueAt) => delayedOf(dueAt, { payload })) })
        const dues = (bytes: number) =>
          Effect.map(log.delayed(undefined, 9, bytes), (rows) => rows.map(({ dueAt }) => dueAt))
        assert.deepStrictEqual(yield* dues(250), [1, 2])
        assert.deepStrictEqual(yield* dues(1), [1])
      })))

    it.effect("finds a delayed message by its id while it waits", () =>
      withLog(Effect.fnUntraced(function*(log) {
        const row = delayedOf(100, { key: "k", idempotencyKey: "i" })
        yield* log.commit({ delayed: [row] })
        assert.deepStrictEqual(yield* log.findDelayed(row.id), Option.some(row))
        assert.isTrue(Option.isNone(yield* log.find(row.id)))
        yield* log.commit({ delayedRemoved: [row.id] })
        assert.isTrue(Option.isNone(yield* log.findDelayed(row.id)))
      })))

    it.effect("appends and forgets a delayed message in one commit, under an older id", () =>
      withLog(Effect.fnUntraced(function*(log) {
        const waiting = entryOf({ payload: "\"late\"", deliverAt: 1_700_000_900_000 })
        const { bytes, fingerprint, message } = waiting
        yield* log.commit({
          delayed: [{ id: message.id, dueAt: 1_700_000_900_000, message, fingerprint, bytes }]
        })
        yield* append(log, [entryOf({ payload: "1" })])
        yield* append(log, [waiting], undefined, { delayedRemoved: [message.id] })
        yield* append(log, [entryOf({ payload: "2" })])
        assert.deepStrictEqual(yield* log.delayed(undefined, 9, 1_000), [])
        const { entries } = yield* log.scan(everything(1))
        assert.deepStrictEqual(payloadsOf(entries), ["1", "\"late\"", "2"])
        const found = Option.getOrThrow(yield* log.find(message.id))
        assert.deepStrictEqual([found.offset, found.message], [1, message])
      })))

    it.effect("counts the entries of a range by topic, and their bytes", () =>
      withLog(Effect.fnUntraced(function*(log) {
        const topics = ["a", "b", "a", "a", "b", "a"]
        const entries = topics.map((topic, n) => entryOf({ topic, payload: `"${n}"` }))
        yield* append(log, entries.slice(0, 4))
        yield* append(log, entries.slice(4))
        const count = (from: number, to: number, topic = "a") =>
          log.count({ logLane: 1, from, to, wants: (name) => name === topic })
        assert.strictEqual(yield* count(0, 6), 4)
        assert.strictEqual(yield* count(1, 3), 1)
        assert.strictEqual(yield* count(2, 100), 3)
        assert.strictEqual(yield* count(0, 6, "b"), 2)
        assert.strictEqual(yield* log.count({ ...everything(2), to: 9 }), 0)
        assert.deepStrictEqual([0, 2, 6, 9].map((from) => log.bytesFrom(1, from)), [18, 12, 0, 0])
        assert.strictEqual(log.bytesFrom(2, 0), 0)
      })))
  })
}
