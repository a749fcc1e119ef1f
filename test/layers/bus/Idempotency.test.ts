import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Ref, Result } from "effect"
import { TestClock } from "effect/testing"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { noFaults, SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { busLayer, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { life } from "./Edges.ts"

const tagOf = <A, E extends { readonly _tag: string }>(result: Result.Result<A, E>) =>
  Result.isSuccess(result) ? "accepted" : result.failure._tag

const keyed = (payload: unknown, idempotencyKey = "i") => draft("t", payload, { idempotencyKey })

const slow = { delayMsMax: 40, failing: 0 }

/** A disk that takes its time. */
const slowDisk = () => new SimulatedDisk(slow)

describe("publishing under an idempotency key", () => {
  it.effect("five publishes run the handler once and all report acceptance (behaviour 21)", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const runs = yield* Ref.make(0)
      yield* bus.handle(named("s"), options("t"), () => Ref.update(runs, (n) => n + 1))
      const first = yield* bus.publish(keyed(1))
      const others = yield* Effect.forEach([1, 2, 3, 4], () => bus.publish(keyed(1)))
      yield* settle
      assert.isFalse(first.duplicate)
      assert.deepStrictEqual(
        others,
        Array.from({ length: 4 }, () => ({ ...first, duplicate: true }))
      )
      assert.strictEqual(yield* Ref.get(runs), 1)
      assert.strictEqual(bus.snapshot().duplicates, 4)
    }).pipe(Effect.provide(busLayer())))

  it.effect("while the first is under way a repeat is told so, another body no (pitfall 33)", () =>
    life(slowDisk(), "closed", ({ bus, core }) =>
      Effect.gen(function*() {
        const first = yield* Effect.forkChild(bus.publish(keyed(1)), { startImmediately: true })
        assert.strictEqual(bus.snapshot().idempotency.inFlight, 1)
        assert.strictEqual((yield* Effect.flip(bus.publish(keyed(1))))._tag, "IdempotencyInFlight")
        assert.strictEqual((yield* Effect.flip(bus.publish(keyed(2))))._tag, "IdempotencyConflict")
        const batch = yield* Effect.forkChild(
          bus.publishMany([keyed(1), keyed(3, "j"), keyed(3, "j")]),
          { startImmediately: true }
        )
        yield* TestClock.adjust("200 millis")
        const { id } = yield* Fiber.join(first)
        const [repeat, own, ownAgain] = yield* Fiber.join(batch)
        assert.deepStrictEqual([repeat, own, ownAgain].map((one) => one && tagOf(one)), [
          "IdempotencyInFlight",
          "accepted",
          "accepted"
        ])
        const again = yield* bus.publish(keyed(1))
        assert.deepStrictEqual([again.id, again.duplicate], [id, true])
        assert.strictEqual(core.claims.inFlight, 0)
        assert.strictEqual(bus.snapshot().published, 2)
      })))

  it.effect("twice in one batch the second gets the first's reply, another body 422 (P4)", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const results = yield* bus.publishMany([
        keyed(1),
        keyed(1),
        keyed(2),
        keyed(1, "j"),
        keyed(1)
      ])
      const [first, second, other, free, third] = results
      assert.deepStrictEqual(results.map(tagOf), [
        "accepted",
        "accepted",
        "IdempotencyConflict",
        "accepted",
        "accepted"
      ])
      const idOf = (result: typeof first) => result && Result.isSuccess(result) && result.success.id
      assert.isTrue(idOf(first) === idOf(second) && idOf(first) === idOf(third))
      assert.notStrictEqual(idOf(first), idOf(free))
      assert.isDefined(other)
      assert.strictEqual(bus.snapshot().published, 2)
    }).pipe(Effect.provide(busLayer())))

  it.effect("a batch the log refuses leaves none of its keys, and says why to each", () => {
    const disk = slowDisk()
    return life(disk, "closed", ({ bus }) =>
      Effect.gen(function*() {
        disk.failNext("Io")
        const batch = [keyed(1), keyed(1), keyed(2, "j")]
        const failed = yield* Effect.forkChild(bus.publishMany(batch), { startImmediately: true })
        yield* TestClock.adjust("200 millis")
        assert.deepStrictEqual((yield* Fiber.join(failed)).map(tagOf), [
          "LogUnavailable",
          "LogUnavailable",
          "LogUnavailable"
        ])
        const again = yield* Effect.forkChild(bus.publishMany(batch), { startImmediately: true })
        yield* TestClock.adjust("200 millis")
        assert.deepStrictEqual((yield* Fiber.join(again)).map(tagOf), [
          "accepted",
          "accepted",
          "accepted"
        ])
        assert.strictEqual(bus.snapshot().published, 2)
      }))
  })

  it.effect("10,000 requests under 100 keys from 200 connections make 100 messages (F23)", () => {
    const disk = new SimulatedDisk()
    return life(disk, "closed", ({ bus, core }) =>
      Effect.gen(function*() {
        const seen = yield* Ref.make<ReadonlyArray<unknown>>([])
        yield* bus.handle(
          named("s"),
          options("t"),
          ({ payload }) => Ref.update(seen, (all) => [...all, payload])
        )
        disk.faults = slow
        const requests = Array.from({ length: 10_000 }, (_, n) => keyed(n % 100, `k${n % 100}`))
        const storm = yield* Effect.forkChild(
          Effect.forEach(requests, (one) => Effect.result(bus.publish(one)), { concurrency: 200 }),
          { startImmediately: true }
        )
        yield* TestClock.adjust("2 seconds")
        const results = yield* Fiber.join(storm)
        const fresh = results.filter((one) => Result.isSuccess(one) && !one.success.duplicate)
        assert.strictEqual(fresh.length, 100)
        const refusals = new Set(results.filter(Result.isFailure).map(tagOf))
        assert.deepStrictEqual([...refusals], ["IdempotencyInFlight"])
        assert.strictEqual(bus.snapshot().published, 100)
        assert.strictEqual(new Set(yield* Ref.get(seen)).size, 100)
        assert.strictEqual((yield* Ref.get(seen)).length, 100)
        assert.deepStrictEqual([core.claims.size, core.claims.inFlight], [100, 0])
      }))
  })
})

describe("a claim that never completed", () => {
  it.effect.each(Array.from({ length: 12 }, (_, at) => at * 7))(
    "is resolved by the log when the process ends %i ms into the commit",
    (ms) => {
      const disk = slowDisk()
      return Effect.gen(function*() {
        const heard = yield* life(disk, "killed", ({ bus }) =>
          Effect.gen(function*() {
            const publish = yield* Effect.forkDetach(bus.publish(keyed(1)), {
              startImmediately: true
            })
            yield* TestClock.adjust(ms)
            const exit = publish.pollUnsafe()
            return exit !== undefined && Exit.isSuccess(exit) ? exit.value.id : undefined
          }))
        const isStored = disk.transactions.some(({ entries }) => entries > 0)
        disk.faults = noFaults
        yield* life(disk, "closed", ({ bus, core }) =>
          Effect.gen(function*() {
            assert.strictEqual(core.claims.size === 1, isStored)
            const { duplicate, id } = yield* bus.publish(keyed(1))
            assert.strictEqual(duplicate, isStored)
            if (heard !== undefined) assert.strictEqual(id, heard)
            yield* bus.createSubscription(named("all"), options("t", { from: "earliest" }))
            yield* settle
            const all = yield* bus.pull("all", 10, 0)
            assert.deepStrictEqual(all.map(({ message }) => message.id), [id])
          }))
      })
    }
  )
})

describe("content as the key", () => {
  const hashing = { contentHash: true }

  it.effect("equal messages are one while the switch is on, per topic and key (behaviour 24)", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const drafts = [
        draft("t", 1),
        draft("t", 1),
        draft("t", 1, { key: "k" }),
        draft("u", 1),
        draft("t", 1, { priority: 5 }),
        draft("t", 1, { headers: `{"a":"b"}` }),
        draft("t", 2)
      ]
      const results = yield* bus.publishMany(drafts)
      const repeats = results.map((one) => Result.isSuccess(one) && one.success.duplicate)
      assert.deepStrictEqual(repeats, [false, true, false, false, false, false, false])
      assert.isTrue((yield* bus.publish(draft("t", 2))).duplicate)
      yield* TestClock.adjust("2 seconds")
      assert.isFalse((yield* bus.publish(draft("t", 2))).duplicate)
    }).pipe(Effect.provide(busLayer({ ...hashing, claims: { keysMax: 99, ttlMs: 2_000 } }))))

  it.effect("equal messages are two while the switch is off (behaviour 24)", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const results = yield* bus.publishMany([draft("t", 1), draft("t", 1)])
      const repeats = results.map((one) => Result.isSuccess(one) && one.success.duplicate)
      assert.deepStrictEqual(repeats, [false, false])
      assert.strictEqual(bus.snapshot().idempotency.keys, 0)
    }).pipe(Effect.provide(busLayer())))

  it.effect("an explicit key goes before the content, and cannot take a content's place", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.publish(draft("t", 1))
      assert.isFalse((yield* bus.publish(keyed(1))).duplicate)
      assert.isFalse((yield* bus.publish(keyed(1, "j"))).duplicate)
      assert.isTrue((yield* bus.publish(draft("t", 1))).duplicate)
    }).pipe(Effect.provide(busLayer(hashing))))

  it.effect("the log remembers content over a restart", () => {
    const disk = new SimulatedDisk()
    return Effect.gen(function*() {
      const first = yield* life(disk, "killed", ({ bus }) => bus.publish(draft("t", 1)), hashing)
      const again = yield* life(disk, "closed", ({ bus }) => bus.publish(draft("t", 1)), hashing)
      assert.deepStrictEqual(again, { ...first, duplicate: true })
      const off = yield* life(disk, "closed", ({ bus }) => bus.publish(draft("t", 1)))
      assert.isFalse(off.duplicate)
    })
  })

  it.effect("P4: retention deletes a message, not its key, also over a kill", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const retention = { everyMs: 1_000, ageMs: 2_000, bytesMax: Number.POSITIVE_INFINITY }
      const first = yield* life(disk, "killed", ({ bus }) =>
        Effect.gen(function*() {
          const accepted = yield* bus.publish(keyed(1))
          yield* TestClock.adjust("10 seconds")
          assert.strictEqual(bus.snapshot().retention.deleted, 1)
          return accepted
        }), { retention })
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          assert.deepInclude(yield* bus.publish(keyed(1)), { id: first.id, duplicate: true })
          assert.strictEqual(
            (yield* Effect.flip(bus.publish(keyed(2))))._tag,
            "IdempotencyConflict"
          )
          yield* TestClock.adjust("1 hour")
          assert.isFalse((yield* bus.publish(keyed(2))).duplicate)
        }))
    }))
})
