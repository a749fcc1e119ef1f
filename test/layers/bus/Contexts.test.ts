import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Ref, Result, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as ExecutionContext from "../../../src/services/ExecutionContext.ts"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { busLayer, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { life } from "./Edges.ts"

const { current, withValues } = ExecutionContext

/** Attaches a handler that notes the context it runs in, beside the payload. */
const noting = Effect.fnUntraced(function*(bus: MessageBus["Service"], name = "s") {
  const seen = yield* Ref.make<ReadonlyArray<unknown>>([])
  yield* bus.handle(
    named(name),
    options("t"),
    ({ context, payload }) =>
      Effect.flatMap(current, (here) => {
        assert.deepStrictEqual(context, here)
        return Ref.update(seen, (all) => [...all, [payload, here]])
      })
  )
  return Ref.get(seen)
})

describe("the execution context of messages", () => {
  it.effect("handlers run in that of the publisher, an explicit one wins (behaviour 44)", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* noting(bus)
      yield* bus.publish(draft("t", 1))
      yield* withValues({ tenant: "a" })(bus.publish(draft("t", 2)))
      yield* withValues({ tenant: "a" })(bus.publish(draft("t", 3, { context: `{"x":"y"}` })))
      yield* withValues({ tenant: "a" })(bus.publish(draft("t", 4, { context: "{}" })))
      yield* withValues({ tenant: "b" })(
        bus.publishMany([draft("t", 5), draft("t", 6, { context: `{"x":"z"}` })])
      )
      yield* settle
      assert.sameDeepMembers([...yield* seen], [
        [1, {}],
        [2, { tenant: "a" }],
        [3, { x: "y" }],
        [4, {}],
        [5, { tenant: "b" }],
        [6, { x: "z" }]
      ])
    }).pipe(Effect.provide(busLayer())))

  it.effect("neither the attaching nor the starting fibre's reaches a handler (behaviour 45)", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* withValues({ starter: "1" })(Layer.buildWithScope(busLayer(), scope))
      const bus = yield* Effect.provideContext(MessageBus, context)
      const seen = yield* withValues({ attacher: "1" })(noting(bus))
      yield* bus.publish(draft("t", 1))
      yield* settle
      assert.deepStrictEqual(yield* seen, [[1, {}]])
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("what handlers set, throw or publish stays theirs, at once or not (behaviour 45)", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen = yield* Ref.make<ReadonlyArray<unknown>>([])
      yield* bus.handle(
        named("s"),
        options("t", { maxAttempts: 1 }),
        ({ payload }) =>
          withValues({ step: `${payload}` })(
            Effect.gen(function*() {
              yield* Effect.sleep("5 millis")
              yield* bus.publish(draft("next", payload))
              if (payload === 3) return yield* Effect.die("boom")
            })
          )
      )
      yield* bus.handle(
        named("n"),
        options("next"),
        ({ context, payload }) => Ref.update(seen, (all) => [...all, [payload, context]])
      )
      yield* withValues({ tenant: "a" })(
        Effect.forEach([1, 2, 3, 4], (n) => bus.publish(draft("t", n)))
      )
      yield* bus.publish(draft("t", 5))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* current, {})
      assert.sameDeepMembers([...yield* Ref.get(seen)], [
        ...[1, 2, 3, 4].map((n) => [n, { tenant: "a", step: `${n}` }]),
        [5, { step: "5" }]
      ])
    }).pipe(Effect.provide(busLayer())))

  it.effect("the log keeps it over a restart", () => {
    const disk = new SimulatedDisk()
    return Effect.gen(function*() {
      yield* life(disk, "killed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t"))
          yield* withValues({ tenant: "a" })(bus.publish(draft("t", 1)))
        }))
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          const seen = yield* noting(bus)
          yield* settle
          assert.deepStrictEqual(yield* seen, [[1, { tenant: "a" }]])
        }))
    })
  })

  it.effect("messages without one carry none", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.createSubscription(named("s"), options("t"))
      const results = yield* bus.publishMany([draft("t", 1), draft("t", 2)])
      assert.isTrue(results.every(Result.isSuccess))
      const pulled = yield* bus.pull("s", 2, 0)
      assert.deepStrictEqual(pulled.map(({ message }) => message.context), [undefined, undefined])
    }).pipe(Effect.provide(busLayer())))
})
