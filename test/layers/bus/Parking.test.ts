import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Option, Ref } from "effect"
import { TestClock } from "effect/testing"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { busLayer, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { life } from "./Edges.ts"

class Declined extends Data.TaggedError("Declined")<{}> {}

type Bus = MessageBus["Service"]

/** A handler that parks what says so while `broken` is set; notes what it saw. */
const parking = Effect.fnUntraced(
  function*(bus: Bus, more: { readonly maxAttempts?: number } = {}) {
    const seen = yield* Ref.make<ReadonlyArray<string>>([])
    const broken = yield* Ref.make(true)
    yield* bus.handle(
      named("s"),
      options("t", more),
      ({ attempt, payload }) =>
        Effect.andThen(
          Ref.update(seen, (all) => [...all, `${String(payload)}/${attempt}`]),
          Effect.flatMap(Ref.get(broken), (isBroken) =>
            isBroken && String(payload).startsWith("bad")
              ? Effect.fail(new Declined())
              : Effect.void)
        ),
      undefined,
      { fates: { Declined: "park" } }
    )
    return { seen: Ref.get(seen), mend: Ref.set(broken, false) }
  }
)

const one = (bus: Bus) => bus.snapshot().subscriptions[0] ?? assert.fail("no subscription")

const keyed = (...payloads: ReadonlyArray<string>) =>
  payloads.map((payload) => draft("t", payload, { key: "k" }))

describe("parked deliveries", () => {
  it.effect("survive a restart and a kill, and are released behind what came since", () =>
    Effect.forEach(["closed", "killed"] as const, (end) =>
      Effect.gen(function*() {
        const disk = new SimulatedDisk()
        yield* life(disk, end, ({ bus }) =>
          Effect.gen(function*() {
            yield* parking(bus)
            yield* bus.publishMany(keyed("bad", "next"))
            yield* TestClock.adjust("1 second")
            assert.deepInclude(one(bus), { acked: 1, parked: 1, pending: 1 })
          }))
        yield* life(disk, "closed", ({ bus, core }) =>
          Effect.gen(function*() {
            const { mend, seen } = yield* parking(bus)
            yield* settle
            assert.deepStrictEqual(yield* seen, [])
            const [parked] = yield* bus.parked.list({ subscription: "s" }, -1, 10)
            assert.deepInclude(parked, { reason: "Fate", attempts: 1 })
            assert.strictEqual(parked?.message.payload, "\"bad\"")
            const status = yield* bus.status(parked?.message.id ?? "")
            assert.strictEqual(Option.getOrUndefined(status)?.deliveries[0]?.state, "parked")
            yield* mend
            yield* bus.publishMany(keyed("later"))
            assert.deepStrictEqual(yield* bus.parked.release({}), { released: 1 })
            yield* settle
            assert.deepStrictEqual(yield* seen, ["later/1", "bad/1"])
            assert.deepInclude(one(bus), { parked: 0, pending: 0 })
            assert.deepInclude(core.ownRows, { count: 0, bytes: 0 })
          }))
        yield* life(disk, "closed", ({ bus }) =>
          Effect.gen(function*() {
            yield* settle
            assert.deepStrictEqual(yield* bus.parked.list({}, -1, 10), [])
            assert.strictEqual(one(bus).pending, 0)
          }))
      })))

  it.effect("a released one gets all its attempts again, and a dropped one is counted", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const { seen } = yield* parking(bus)
      yield* bus.publishMany(["bad1", "bad2", "bad3"].map((payload) => draft("t", payload)))
      yield* settle
      const ids = (yield* bus.parked.list({ reason: "Fate" }, -1, 10)).map(({ id }) => id)
      assert.deepStrictEqual(ids, ids.toSorted((a, b) => a - b))
      const page = yield* bus.parked.list({ topic: "t" }, ids[0] ?? 0, 1)
      assert.deepStrictEqual(page.map(({ id }) => id), ids.slice(1, 2))
      assert.deepStrictEqual(yield* bus.parked.drop({ ids: ids.slice(0, 1) }), { dropped: 1 })
      assert.deepStrictEqual(yield* bus.parked.drop({ ids: ids.slice(0, 1) }), { dropped: 0 })
      assert.deepStrictEqual(yield* bus.parked.release({ topic: "other" }), { released: 0 })
      assert.deepStrictEqual(yield* bus.parked.release({ subscription: "s" }), { released: 2 })
      yield* settle
      assert.lengthOf(yield* seen, 5)
      assert.isTrue((yield* seen).every((text) => text.endsWith("/1")))
      assert.deepInclude(one(bus), { dropped: 1, parked: 2, pending: 2 })
    }).pipe(Effect.provide(busLayer())))

  it.effect("pitfall 22: at the limit of the dead letters failures are parked", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const more = { deadLettersMax: 1 }
      yield* life(disk, "killed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.handle(named("s"), options("t", { maxAttempts: 1 }), ({ payload }) =>
            Effect.fail(`no ${payload}`))
          yield* bus.publishMany(keyed("one", "two", "three"))
          yield* TestClock.adjust("1 second")
          assert.deepInclude(one(bus), { deadLetters: 1, parked: 2, pending: 2 })
          assert.include(bus.snapshot().degraded[0], "limit")
        }), more)
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          const parked = yield* bus.parked.list({ reason: "DeadLettersFull" }, -1, 10)
          assert.deepStrictEqual(
            parked.map(({ error }) => error.slice(0, 8)),
            [
              "Error: n",
              "Error: n"
            ].map(() => parked[0]?.error.slice(0, 8) ?? "")
          )
          assert.include(parked[1]?.error, "no three")
        }), more)
    }))

  it.effect("without room for a row a failure waits, and is buried once there is room", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const runs = yield* Ref.make(0)
      yield* bus.handle(
        named("s"),
        options("t", { maxAttempts: 1 }),
        ({ payload }) =>
          Effect.andThen(Ref.update(runs, (n) => n + 1), Effect.fail(`no ${payload}`))
      )
      yield* bus.publishMany(keyed("one", "two", "three"))
      yield* settle
      assert.deepInclude(one(bus), { deadLetters: 1, parked: 0, pending: 2 })
      assert.isAbove(bus.snapshot().ownRows.refused, 0)
      assert.lengthOf(bus.snapshot().degraded, 2)
      yield* bus.deleteDeadLetters({})
      yield* TestClock.adjust("1 minute")
      const [letter] = yield* bus.deadLetters({}, 0, 10)
      assert.deepStrictEqual([letter?.reason, letter?.attempts], ["AttemptsExhausted", 1])
      assert.include(letter?.error, "no two")
      assert.strictEqual(yield* Ref.get(runs), 3)
    }).pipe(
      Effect.provide(busLayer({ deadLettersMax: 1, ownRows: { countMax: 0, bytesMax: 1e6 } }))
    ))

  it.effect("without room for a row, what is to be parked goes to the dead letters", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const handler = () => Effect.fail({ _tag: "Stuck" })
      const extras = { fates: { Stuck: "park" as const } }
      yield* bus.handle(named("s"), options("t", { maxAttempts: 1 }), handler, undefined, extras)
      yield* bus.publishMany(keyed("one", "two"))
      yield* settle
      assert.deepInclude(one(bus), { deadLetters: 1, parked: 0, pending: 1 })
      const reasons = Effect.map(bus.deadLetters({}, 0, 10), (all) => all.map((one) => one.reason))
      assert.deepStrictEqual(yield* reasons, ["OwnRowsFull"])
      yield* bus.deleteDeadLetters({})
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(one(bus), { deadLetters: 1, parked: 0, pending: 0 })
      assert.deepStrictEqual(yield* reasons, ["OwnRowsFull"])
    }).pipe(
      Effect.provide(busLayer({ deadLettersMax: 1, ownRows: { countMax: 0, bytesMax: 1e6 } }))
    ))

  it.effect("end with their subscription, and give back what they count for", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "closed", ({ bus, core }) =>
        Effect.gen(function*() {
          yield* parking(bus)
          yield* bus.publishMany(keyed("bad"))
          yield* settle
          assert.strictEqual(core.ownRows.count, 1)
          yield* bus.deleteSubscription("s")
          assert.deepInclude(core.ownRows, { count: 0, bytes: 0, messages: 0 })
          assert.strictEqual(core.discarded, 1)
        }))
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* bus.parked.list({}, -1, 10), [])
        }))
    }))

  it.effect("stay parked when another consumer takes the subscription over", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* Effect.scoped(Effect.gen(function*() {
        yield* parking(bus)
        yield* bus.publishMany(keyed("bad", "next"))
        yield* settle
      }))
      yield* settle
      assert.deepInclude(one(bus), { consumer: "Pull", parked: 1, pending: 1 })
      assert.deepStrictEqual(yield* bus.pull("s", 10, 0), [])
      yield* bus.parked.release({})
      assert.lengthOf(yield* bus.pull("s", 10, 0), 1)
    }).pipe(Effect.provide(busLayer())))
})
