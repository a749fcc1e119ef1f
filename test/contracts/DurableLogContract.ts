/**
 * What a durable log keeps beside what every log keeps: over restarts, kills and failed commits.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Option, type Scope } from "effect"
import { ownRowLane } from "../../src/domain/AckId.ts"
import { MessageLog, type Recovered } from "../../src/services/MessageLog.ts"
import { append } from "./Append.ts"
import { entryOf, everything, letterOf, payloadsOf, subscriptionOf } from "./LogSamples.ts"
import type { LogUnderTest } from "./MessageLogContract.ts"

/** A durable log to be tested. */
export interface DurableLogUnderTest extends LogUnderTest {
  /** The log as it would be found if the process were killed now. */
  readonly afterKill: Effect.Effect<Layer.Layer<MessageLog, unknown>, never, Scope.Scope>
}

/** A log whose commits can be made to fail. */
export interface FailingLogUnderTest extends LogUnderTest {
  /** Makes the next commit fail. */
  readonly failNext: Effect.Effect<void>
}

/** The suite for failing commits. */
export const failingLogContract = (
  name: string,
  make: Effect.Effect<FailingLogUnderTest, never, Scope.Scope>
) =>
  describe(name, () => {
    it.effect("a failed commit stores nothing, and offsets stay dense after it", () =>
      Effect.gen(function*() {
        const { failNext, log: layer } = yield* make
        yield* Effect.provide(
          MessageLog.use(Effect.fnUntraced(function*(log) {
            yield* append(log, [entryOf({ payload: "1" })])
            yield* failNext
            const told: Array<string> = []
            const lost = [entryOf({ payload: "2" }), entryOf({ payload: "3" })]
            const results = yield* Effect.all(
              lost.map((entry) => Effect.flip(append(log, [entry], () => told.push("committed")))),
              { concurrency: "unbounded" }
            )
            assert.deepStrictEqual(results.map(({ _tag }) => _tag), [
              "LogUnavailable",
              "LogUnavailable"
            ])
            assert.deepStrictEqual([told, lost.map(({ offset }) => offset)], [[], [-1, -1]])
            const after = entryOf({ payload: "4" })
            yield* append(log, [after])
            assert.strictEqual(after.offset, 1)
            const { damaged, entries } = yield* log.scan(everything(1))
            assert.deepStrictEqual([payloadsOf(entries), damaged], [["1", "4"], []])
          })),
          layer
        )
      }))
  })

/** The suite for restarts and kills. `make` gives a new, empty log each time. */
export const durableLogContract = (
  name: string,
  make: Effect.Effect<DurableLogUnderTest, never, Scope.Scope>
) =>
  describe(name, () => {
    const reopened = Effect.fnUntraced(function*(
      before: (log: MessageLog["Service"]) => Effect.Effect<void, unknown>,
      after: (log: MessageLog["Service"]) => Effect.Effect<void, unknown>
    ) {
      const { afterKill, log } = yield* make
      const found = yield* Effect.provide(
        MessageLog.use((open) => Effect.andThen(before(open), afterKill)),
        log
      )
      yield* Effect.provide(MessageLog.use(after), found)
      const { log: other } = yield* make
      yield* Effect.provide(MessageLog.use(before), other)
      yield* Effect.provide(MessageLog.use(after), other)
    })
    const row = (id: number, attempts = 0) => ({
      id,
      incarnation: 1,
      logLane: 1,
      after: 5,
      message: entryOf().message,
      attempts,
      dueAt: 99,
      parked: undefined
    })
    const cursor = { incarnation: 1, logLane: 1, floor: 2, ranges: [3, 5], attempts: [2, 1] }
    const byLane = ({ cursors }: Recovered) =>
      cursors.toSorted((a, b) => a.incarnation * 128 + a.logLane - b.incarnation * 128 - b.logLane)

    it.effect("pitfall 41: messages are there after a restart, and after a kill", () => {
      const entries = [1, 1, 4, 1].map((logLane, n) => entryOf({ logLane, payload: `"${n}"` }))
      return reopened(
        (log) =>
          Effect.gen(function*() {
            yield* append(log, entries.slice(0, 3))
            yield* append(log, entries.slice(3))
          }),
        (log) =>
          Effect.gen(function*() {
            assert.deepStrictEqual([log.head(1), log.head(4), log.head(0)], [3, 1, 0])
            const { entries: found } = yield* log.scan(everything(1))
            assert.deepStrictEqual(payloadsOf(found), ["\"0\"", "\"1\"", "\"3\""])
            const lastId = entries.at(-1)?.message.id ?? ""
            assert.isTrue(Option.isSome(yield* log.find(lastId)))
            assert.isAtLeast(log.recovered.idMillisMax, 1_700_000_000_000)
            const next = entryOf()
            yield* append(log, [next])
            assert.strictEqual(next.offset, 3)
          })
      )
    })

    it.effect("subscriptions, cursors, own rows, dead letters and counters are there again", () =>
      reopened(
        (log) =>
          Effect.gen(function*() {
            yield* log.commit({ subscriptions: [subscriptionOf(1), subscriptionOf(2)] })
            yield* log.commit({ cursors: [cursor, { ...cursor, incarnation: 2 }] })
            yield* log.commit({ ownRows: [row(1), row(2), row(3)], ownRowsRemoved: [3] })
            yield* log.commit({ deadLetters: [letterOf(8, 1), letterOf(9, 2)] })
            yield* log.commit({ subscriptionsRemoved: [2], ownRowsRemoved: [1] })
          }),
        (log) =>
          Effect.sync(() => {
            const { recovered } = log
            assert.deepStrictEqual(recovered.subscriptions, [subscriptionOf(1)])
            assert.deepStrictEqual(recovered.cursors, [cursor])
            assert.deepStrictEqual(recovered.ownRows.map(({ id }) => id), [2])
            assert.deepStrictEqual(Object.keys(recovered.ownRows[0]?.message ?? {}).length, 14)
            assert.deepStrictEqual([...recovered.deadLetterCounts], [[1, 1]])
            assert.strictEqual(recovered.nextIncarnation, 3)
            assert.strictEqual(recovered.nextOwnRow, 4)
            assert.strictEqual(recovered.nextDeadLetter, 10)
          })
      ))

    it.effect("idempotency keys that are young enough are there again, in order", () =>
      reopened(
        (log) =>
          append(log, [
            entryOf({ idempotencyKey: "old", publishedAt: -4_000_000 }),
            entryOf({ idempotencyKey: "a", key: "k" }),
            entryOf(),
            entryOf({ idempotencyKey: "b" })
          ]),
        (log) =>
          Effect.sync(() => {
            const { claims } = log.recovered
            assert.deepStrictEqual(claims.map((c) => [c.idempotencyKey, c.key, c.fingerprint]), [
              ["a", "k", "f1"],
              ["b", undefined, "f1"]
            ])
            assert.strictEqual(claims[0]?.acceptedAt, 1_700_000_000_000)
          })
      ))

    it.effect("hand-outs outlive the process, and merge into cursors and own rows", () =>
      reopened(
        (log) =>
          Effect.gen(function*() {
            const take = { incarnation: 1, logLane: 1 }
            yield* log.commit({ subscriptions: [subscriptionOf(1)] })
            yield* log.journal([{ ...take, offset: 2, attempt: 9 }])
            yield* log.commit({ cursors: [cursor], ownRows: [row(7, 1)], checkpoint: true })
            yield* log.journal([{ ...take, offset: 2, attempt: 2 }, {
              ...take,
              offset: 3,
              attempt: 1
            }])
            yield* log.journal([{ ...take, offset: 6, attempt: 1 }, {
              ...take,
              logLane: 5,
              offset: 0,
              attempt: 3
            }])
            yield* log.journal([{ ...take, logLane: ownRowLane, offset: 7, attempt: 2 }])
            yield* log.journal([{ ...take, incarnation: 5, offset: 0, attempt: 1 }])
          }),
        (log) =>
          Effect.sync(() => {
            assert.deepStrictEqual(byLane(log.recovered), [
              { ...cursor, attempts: [2, 2, 6, 1] },
              { incarnation: 1, logLane: 5, floor: 0, ranges: [], attempts: [0, 3] }
            ])
            assert.deepStrictEqual(log.recovered.ownRows.map(({ attempts }) => attempts), [2])
          })
      ))

    it.effect("hand-outs survive a second kill, before any checkpoint", () =>
      Effect.gen(function*() {
        const { afterKill, log } = yield* make
        const take = { incarnation: 1, logLane: 1, offset: 0, attempt: 3 }
        const once = yield* Effect.provide(
          MessageLog.use((open) =>
            Effect.andThen(
              open.commit({ subscriptions: [subscriptionOf(1)] }),
              Effect.andThen(open.journal([take]), afterKill)
            )
          ),
          log
        )
        yield* Effect.provide(MessageLog.use(() => Effect.void), once)
        const attempts = yield* Effect.provide(
          MessageLog.use(({ recovered }) => Effect.succeed(recovered.cursors[0]?.attempts)),
          Layer.fresh(once)
        )
        assert.deepStrictEqual(attempts, [0, 3])
      }))

    it.effect("each opening has a greater epoch, and knows whether the last one closed", () =>
      Effect.gen(function*() {
        const { afterKill, log } = yield* make
        const epochs = MessageLog.use(({ recovered }) =>
          Effect.succeed([recovered.epoch, recovered.clean])
        )
        assert.deepStrictEqual(yield* Effect.provide(epochs, log), [1, true])
        assert.deepStrictEqual(yield* Effect.provide(epochs, log), [2, true])
        const killed = yield* Effect.provide(MessageLog.use(() => afterKill), log)
        assert.deepStrictEqual(yield* Effect.provide(epochs, killed), [4, false])
      }))

    it.effect("a closed log refuses calls, after it has stored those that waited", () =>
      Effect.gen(function*() {
        const { log } = yield* make
        const [open, last] = yield* Effect.provide(
          MessageLog.use((open) =>
            Effect.map(
              Effect.forkDetach(append(open, [entryOf()]), { startImmediately: true }),
              (last) => [open, last] as const
            )
          ),
          log
        )
        assert.isTrue(Exit.isSuccess(yield* Fiber.await(last)))
        const refused = yield* Effect.flip(append(open, [entryOf()]))
        assert.strictEqual(refused.reason, "Closed")
      }))
  })
