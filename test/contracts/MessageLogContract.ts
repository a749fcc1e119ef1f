/**
 * What every log keeps, as one suite for all of them.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Layer, Option, type Scope } from "effect"
import type { MessageId } from "../../src/domain/MessageId.ts"
import { MessageLog } from "../../src/services/MessageLog.ts"
import { append } from "./Append.ts"
import { entryOf, everything, letterOf, payloadsOf } from "./LogSamples.ts"

/** A log to be tested. */
export interface LogUnderTest {
  /** Opens it; opening it again finds what was left. */
  readonly log: Layer.Layer<MessageLog, unknown>
}

/** The suite. `make` gives a new, empty log each time. */
export const messageLogContract = (
  name: string,
  make: Effect.Effect<LogUnderTest, never, Scope.Scope>
) => {
  const withLog = <A, E>(use: (log: MessageLog["Service"]) => Effect.Effect<A, E>) =>
    Effect.flatMap(make, ({ log }) => Effect.provide(MessageLog.use(use), log))

  describe(name, () => {
    it.effect("numbers the messages of each log lane densely from 0", () =>
      withLog(Effect.fnUntraced(function*(log) {
        const entries = [1, 1, 0, 1].map((logLane) => entryOf({ logLane }))
        yield* append(log, entries.slice(0, 3))
        yield* append(log, entries.slice(3))
        assert.deepStrictEqual(entries.map(({ offset }) => offset), [0, 1, 0, 2])
        assert.deepStrictEqual([log.head(0), log.head(1), log.head(2)], [1, 3, 0])
      })))

    it.effect("tells of commits in the order of the calls, before it resumes any caller", () =>
      withLog(Effect.fnUntraced(function*(log) {
        const seen: Array<string> = []
        const call = (n: number) => {
          const told = () => seen.push(`committed ${n} at head ${log.head(1)}`)
          const done = n % 2 === 0 ? append(log, [entryOf()], told) : log.commit({}, told)
          return Effect.tap(done, () => Effect.sync(() => seen.push(`resumed ${n}`)))
        }
        yield* Effect.all([0, 1, 2].map(call), { concurrency: "unbounded" })
        const committed = seen.filter((line) => line.startsWith("committed"))
        assert.deepStrictEqual(committed, [
          "committed 0 at head 1",
          "committed 1 at head 1",
          "committed 2 at head 2"
        ])
        assert.isBelow(seen.indexOf("committed 0 at head 1"), seen.indexOf("resumed 0"))
      })))

    it.effect("commits and tells even when the caller is interrupted", () =>
      withLog(Effect.fnUntraced(function*(log) {
        const told: Array<number> = []
        const entry = entryOf()
        const caller = yield* Effect.forkChild(
          append(log, [entry], () => told.push(entry.offset)),
          { startImmediately: true }
        )
        yield* Fiber.interrupt(caller)
        yield* log.commit({})
        assert.deepStrictEqual(told, [0])
      })))

    it.effect("returns every field of a message byte for byte", () =>
      withLog(Effect.fnUntraced(function*(log) {
        const texts = {
          payload: "{\"n\":1.0e+02,\"t\":\"\u00e9\u{1f600}\u0000\"}",
          key: "caf\u00e9",
          headers: "{\"__proto__\":\"x\"}"
        }
        const entry = entryOf({ ...texts, idempotencyKey: "once" })
        const bare = entryOf({ payload: "x".repeat(70_000) })
        yield* append(log, [entry, bare])
        const { entries } = yield* log.scan(everything(1))
        assert.deepStrictEqual(entries.map(({ message }) => message), [entry.message, bare.message])
        assert.deepStrictEqual(entries.map(({ bytes }) => bytes), [entry.bytes, bare.bytes])
        assert.deepStrictEqual(entries.map((found) => found.fingerprint), ["f1", undefined])
      })))

    it.effect("scans what is wanted, within its limits, and goes on from where it stopped", () =>
      withLog(Effect.fnUntraced(function*(log) {
        const topics = ["a", "b", "a", "a", "b", "a"]
        const entries = topics.map((topic, n) => entryOf({ topic, payload: `"${n}"` }))
        yield* append(log, entries.slice(0, 3))
        yield* append(log, entries.slice(3))
        const onlyA = { ...everything(1), wants: (topic: string) => topic === "a" }
        const first = yield* log.scan({ ...onlyA, countMax: 2 })
        assert.deepStrictEqual(payloadsOf(first.entries), ["\"0\"", "\"2\""])
        const rest = yield* log.scan({ ...onlyA, from: first.next })
        assert.deepStrictEqual(payloadsOf(rest.entries), ["\"3\"", "\"5\""])
        assert.strictEqual(rest.next, log.head(1))
        const byBytes = yield* log.scan({ ...onlyA, bytesMax: 7 })
        assert.deepStrictEqual(payloadsOf(byBytes.entries), ["\"0\"", "\"2\""])
        const atLeastOne = yield* log.scan({ ...onlyA, bytesMax: 1 })
        assert.deepStrictEqual(payloadsOf(atLeastOne.entries), ["\"0\""])
        const atHead = yield* log.scan(everything(1, 6))
        assert.deepStrictEqual([atHead.entries.length, atHead.next], [0, 6])
      })))

    it.effect("finds a message by its id in either lane", () =>
      withLog(Effect.fnUntraced(function*(log) {
        const entries = [entryOf({ logLane: 8 }), entryOf({ logLane: 9 }), entryOf({ logLane: 8 })]
        for (const entry of entries) yield* append(log, [entry])
        for (const { message, offset } of entries) {
          const found = Option.getOrThrow(yield* log.find(message.id))
          assert.deepStrictEqual([found.message, found.offset], [message, offset])
        }
        assert.isTrue(Option.isNone(yield* log.find(entryOf({ logLane: 8 }).message.id)))
        assert.isTrue(Option.isNone(yield* log.find("no id" as MessageId)))
      })))

    it.effect("keeps dead letters until they or their subscription are removed", () =>
      withLog(Effect.fnUntraced(function*(log) {
        const letters = [letterOf(1, 1), letterOf(2, 2), letterOf(3, 1, "refunds"), letterOf(4, 1)]
        yield* log.commit({ deadLetters: letters })
        const ids = Effect.fnUntraced(function*(filter = {}, after = 0, limit = 10) {
          return (yield* log.deadLetters(filter, after, limit)).map(({ id }) => id)
        })
        assert.deepStrictEqual(yield* log.deadLetters({}, 0, 10), letters)
        assert.deepStrictEqual(yield* ids({}, 1, 2), [2, 3])
        assert.deepStrictEqual(yield* ids({ topic: "refunds" }), [3])
        assert.deepStrictEqual(yield* ids({ subscription: "s1" }), [1, 3, 4])
        assert.deepStrictEqual(yield* ids({ ids: [4, 2, 9] }), [2, 4])
        assert.deepStrictEqual(yield* ids({ failedSince: 1_003, subscription: "s1" }), [3, 4])
        yield* log.commit({ deadLetters: [{ ...letterOf(3, 1), error: "edited" }] })
        assert.strictEqual((yield* log.deadLetters({ ids: [3] }, 0, 1))[0]?.error, "edited")
        yield* log.commit({ deadLettersRemoved: [1] })
        yield* log.commit({ subscriptionsRemoved: [2] })
        assert.deepStrictEqual(yield* ids(), [3, 4])
      })))
  })
}
