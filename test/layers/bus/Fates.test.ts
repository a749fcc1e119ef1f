import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Ref } from "effect"
import { TestClock } from "effect/testing"
import { PermanentFailure } from "../../../src/domain/Delivery.ts"
import type { Fates } from "../../../src/domain/Fate.ts"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { busLayer, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"

class Declined extends Data.TaggedError("Declined")<{}> {}

const fates: Fates = { Declined: "park", TypeError: "drop", PermanentFailure: "retry" }

/** What each payload makes the handler do. */
const ways: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
  parks: Effect.fail(new Declined()),
  drops: Effect.die(new TypeError("no")),
  retries: Effect.fail(new PermanentFailure({ reason: "not at once" })),
  hostile: Effect.fail({
    get _tag(): string {
      throw new Error("no tag for you")
    },
    get message(): string {
      throw new Error("nor a message")
    },
    toString(): string {
      throw new Error("nor a text")
    }
  })
}

const handling = Effect.fnUntraced(function*() {
  const bus = yield* MessageBus
  const seen = yield* Ref.make<ReadonlyArray<string>>([])
  yield* bus.handle(
    named("s"),
    options("t"),
    ({ attempt, payload }) =>
      Effect.andThen(
        Ref.update(seen, (all) => [...all, `${String(payload)}/${attempt}`]),
        ways[String(payload)] ?? Effect.void
      ),
    undefined,
    { fates }
  )
  return { bus, seen: Ref.get(seen) }
})

const counts = (bus: MessageBus["Service"]) => {
  const one = bus.snapshot().subscriptions[0]
  return [one?.acked, one?.deadLettered, one?.dropped, one?.parked, one?.pending]
}

describe("the fates of a handler's errors", () => {
  it.effect("pitfall 19: park keeps it pending, drop ends it, both without another attempt", () =>
    Effect.gen(function*() {
      const { bus, seen } = yield* handling()
      yield* bus.publishMany(["parks", "drops", "fine"].map((payload) => draft("t", payload)))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual((yield* seen).toSorted(), ["drops/1", "fine/1", "parks/1"])
      assert.deepStrictEqual(counts(bus), [1, 0, 1, 1, 1])
    }).pipe(Effect.provide(busLayer())))

  it.effect("a parked delivery releases its key and its place in the shard", () =>
    Effect.gen(function*() {
      const { bus, seen } = yield* handling()
      const keyed = ["parks", "next"].map((payload) => draft("t", payload, { key: "k" }))
      yield* bus.publishMany(keyed)
      yield* settle
      assert.deepStrictEqual(yield* seen, ["parks/1", "next/1"])
      assert.strictEqual(bus.snapshot().shards.reduce((sum, { slots }) => sum + slots, 0), 0)
    }).pipe(Effect.provide(busLayer())))

  it.effect("pitfall 20: retry tries a permanent failure again, up to the last attempt", () =>
    Effect.gen(function*() {
      const { bus, seen } = yield* handling()
      yield* bus.publish(draft("t", "retries"))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* seen).length, 4)
      const [letter] = yield* bus.deadLetters({}, 0, 1)
      assert.strictEqual(letter?.reason, "AttemptsExhausted")
    }).pipe(Effect.provide(busLayer())))

  it.effect("pitfall 18: an error that throws when it is read ends as any other failure", () =>
    Effect.gen(function*() {
      const { bus } = yield* handling()
      yield* bus.publishMany(["hostile", "fine"].map((payload) => draft("t", payload)))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(counts(bus), [1, 1, 0, 0, 0])
      const restarts = bus.snapshot().shards.map(({ workerRestarts }) => workerRestarts)
      assert.isTrue(restarts.every((count) => count === 0))
    }).pipe(Effect.provide(busLayer())))
})
