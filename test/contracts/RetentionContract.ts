/**
 * What a durable log keeps, and what it deletes, when it is truncated; over restarts and kills.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, type Scope } from "effect"
import { MessageLog } from "../../src/services/MessageLog.ts"
import { append } from "./Append.ts"
import type { DurableLogUnderTest } from "./DurableLogContract.ts"
import {
  delayedOf,
  entryOf,
  everything,
  neededFrom,
  payloadsOf,
  subscriptionOf
} from "./LogSamples.ts"
import { old, truncateAll, young } from "./Truncating.ts"

/** The suite. `make` gives a new, empty log each time. */
export const retentionContract = (
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

    it.effect("deletes whole blocks from the oldest on, up to the first that is needed", () => {
      const lanes = [[3, 2], [3], [2, 3], [3], [3]] // Of one partition.
      return reopened(
        (log) =>
          Effect.gen(function*() {
            for (const [n, block] of lanes.entries()) {
              yield* append(log, block.map((logLane) => entryOf({ logLane, payload: `${n}` })))
            }
            assert.strictEqual(yield* truncateAll(log, young), 0)
            // Offset 2 of lane 3 stands in the third block, so that one stays as a whole.
            assert.strictEqual(yield* truncateAll(log, old, { 3: 2 }), 3)
            assert.deepStrictEqual([log.first(3), log.first(2), log.first(5)], [2, 1, 0])
            assert.strictEqual(yield* truncateAll(log, old, { 3: 2 }), 0)
          }),
        (log) =>
          Effect.gen(function*() {
            assert.deepStrictEqual([log.first(3), log.first(2), log.head(3)], [2, 1, 5])
            const { damaged, entries, next } = yield* log.scan(everything(3))
            assert.deepStrictEqual([payloadsOf(entries), damaged, next], [["2", "3", "4"], [], 5])
            const none = yield* log.scan({ ...everything(2), wants: () => false })
            assert.deepStrictEqual([none.damaged, none.next], [[], 2])
            assert.strictEqual(yield* log.count({ ...everything(3), to: 9 }), 3)
            assert.strictEqual(log.bytesFrom(3, 0), 3)
          })
      )
    })

    it.effect("pitfall 41: offsets and ids go on when every block is gone", () =>
      reopened(
        (log) =>
          Effect.gen(function*() {
            const entries = Array.from({ length: 1_500 }, () => entryOf())
            yield* append(log, entries)
            yield* append(log, [entryOf({ logLane: 4 })])
            const before = log.sizeBytes()
            assert.strictEqual(yield* truncateAll(log, old), 1_501)
            assert.isBelow(log.sizeBytes(), before)
            assert.isUndefined(log.oldest())
            assert.isTrue(Option.isNone(yield* log.find(entries[7]?.message.id ?? "")))
          }),
        (log) =>
          Effect.gen(function*() {
            assert.deepStrictEqual([log.first(1), log.head(1)], [1_500, 1_500])
            assert.deepStrictEqual([log.first(4), log.head(4)], [1, 1])
            assert.isAtLeast(log.recovered.idMillisMax, 1_700_000_000_000)
            const next = [entryOf({ payload: "\"n\"" }), entryOf({ logLane: 4 })]
            yield* append(log, next)
            assert.deepStrictEqual(next.map(({ offset }) => offset), [1_500, 1])
            const { damaged, entries } = yield* log.scan(everything(1))
            assert.deepStrictEqual([payloadsOf(entries), damaged], [["\"n\""], []])
          })
      ))

    it.effect("age counts from when a message entered the log, not from its acceptance", () =>
      Effect.gen(function*() {
        const { log: layer } = yield* make
        yield* Effect.provide(
          MessageLog.use(Effect.fnUntraced(function*(log) {
            yield* append(log, [entryOf({ publishedAt: 1_000 })])
            yield* append(log, [entryOf({ publishedAt: 1_000, deliverAt: 5_000 })])
            yield* append(log, [entryOf({ publishedAt: 2_000, deliverAt: 500 })])
            assert.strictEqual(yield* truncateAll(log, { ...old, olderThan: 3_000 }), 1)
            assert.strictEqual(log.oldest(), 5_000)
            assert.strictEqual(yield* truncateAll(log, { ...old, olderThan: 5_001 }), 2)
          })),
          layer
        )
      }))

    it.effect("deletes the oldest while the log is larger than it may be, in bounded steps", () =>
      Effect.gen(function*() {
        const { log: layer } = yield* make
        yield* Effect.provide(
          MessageLog.use(Effect.fnUntraced(function*(log) {
            const payload = `"${"x".repeat(500_000)}"`
            for (let n = 0; n < 24; n++) yield* append(log, [entryOf({ payload })]) // A block each.
            const bytesMax = log.sizeBytes() - 11 * 500_000
            const request = { olderThan: 0, bytesMax, needed: neededFrom(log.head) }
            const first = yield* log.truncate(request)
            assert.deepStrictEqual([first.entries, first.more], [2, true])
            assert.isAtMost(first.bytes, 1_048_576)
            let entries = first.entries // A sum over the calls.
            for (let more = first.more; more;) { // Ends with the last of them.
              const next = yield* log.truncate(request)
              entries += next.entries
              more = next.more
            }
            assert.isAtMost(entries, 12)
            assert.isAtMost(log.sizeBytes(), bytesMax)
            const left = yield* log.scan({ ...everything(1), bytesMax: 1e9 })
            assert.strictEqual(left.entries.length, 24 - entries)
          })),
          layer
        )
      }))

    it.effect("appends go on while blocks are deleted", () =>
      Effect.gen(function*() {
        const { log: layer } = yield* make
        yield* Effect.provide(
          MessageLog.use(Effect.fnUntraced(function*(log) {
            for (let n = 0; n < 20; n++) yield* append(log, [entryOf()]) // A block each.
            const [deleted] = yield* Effect.all([
              truncateAll(log, old, { 1: 20 }),
              Effect.forEach([1, 2, 3], () => append(log, [entryOf()]))
            ], { concurrency: "unbounded" })
            assert.strictEqual(deleted, 20)
            assert.deepStrictEqual([log.first(1), log.head(1)], [20, 23])
            assert.strictEqual((yield* log.scan(everything(1))).entries.length, 3)
          })),
          layer
        )
      }))

    it.effect("P4: idempotency keys outlive their messages, for as long as they count", () => {
      const keyed = (n: number, publishedAt?: number) =>
        entryOf({
          idempotencyKey: `i${n}`,
          ...(n === 1 ? { key: "k" } : {}),
          ...(publishedAt === undefined ? {} : { publishedAt })
        })
      const all = { olderThan: Number.POSITIVE_INFINITY, bytesMax: 0 }
      const old = keyed(0, -4_000_000)
      const kept = [keyed(1, -2_000_000), keyed(2, -1_000_000)]
      return reopened(
        (log) =>
          Effect.gen(function*() {
            yield* append(log, [old, kept[0] ?? old])
            yield* append(log, [entryOf()])
            assert.strictEqual(yield* truncateAll(log, all), 3)
            yield* append(log, [kept[1] ?? old])
            assert.strictEqual(yield* truncateAll(log, all), 1)
            yield* append(log, [keyed(3)])
          }),
        (log) =>
          Effect.sync(() => {
            const { claims } = log.recovered
            assert.deepStrictEqual(claims.map((claim) => claim.idempotencyKey), ["i1", "i2", "i3"])
            for (const [at, { message: { id, key, publishedAt } }] of kept.entries()) {
              assert.deepInclude(claims[at], { id, key, acceptedAt: publishedAt })
            }
          })
      )
    })

    it.effect("delayed messages, their claims, leases and parked rows outlive the process", () => {
      const rows = [
        delayedOf(500, { idempotencyKey: "a" }),
        delayedOf(400, { idempotencyKey: "gone" }),
        delayedOf(300, { idempotencyKey: "old", publishedAt: -4_000_000 }),
        delayedOf(200)
      ]
      const place = { incarnation: 1, logLane: 3, offset: 5 }
      const lease = { ...place, attempt: 2, leaseUntil: 99, order: "t\0\u00e9" }
      const unordered = { ...lease, offset: 7, order: undefined }
      const parked = { reason: "AttemptsExhausted", error: "it failed", at: 77 }
      const row = {
        id: 4,
        incarnation: 1,
        logLane: 1,
        after: 0,
        message: entryOf().message,
        attempts: 4,
        dueAt: 0,
        parked
      }
      return reopened(
        (log) =>
          Effect.gen(function*() {
            yield* append(log, [entryOf({ idempotencyKey: "b" })])
            yield* log.commit({
              subscriptions: [subscriptionOf(1)],
              delayed: rows,
              leases: [lease, { ...lease, offset: 9 }, unordered]
            })
            yield* log.commit({ delayedRemoved: [rows[1]?.id ?? ""], ownRows: [row] })
            yield* log.commit({ leases: [lease, unordered] })
          }),
        (log) =>
          Effect.gen(function*() {
            const { claims, delayedBytes, delayedCount, idMillisMax, leases, ownRows } =
              log.recovered
            assert.deepStrictEqual(claims.map((claim) => claim.idempotencyKey).toSorted(), [
              "a",
              "b"
            ])
            assert.deepStrictEqual([delayedCount, delayedBytes], [3, 6])
            assert.isAtLeast(idMillisMax, 1_700_000_000_000)
            assert.deepStrictEqual(leases, [lease, unordered])
            assert.deepStrictEqual(ownRows[0]?.parked, parked)
            const kept = rows.filter(({ dueAt }) => dueAt !== 400)
            assert.deepStrictEqual(yield* log.delayed(undefined, 9, 1_000), kept.toReversed())
          })
      )
    })
  })
