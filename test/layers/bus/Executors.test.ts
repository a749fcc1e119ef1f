import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Fates } from "../../../src/domain/Fate.ts"
import { HandlerFailed, HandlerNotBegun } from "../../../src/services/Executor.ts"
import { type Handler, MessageBus } from "../../../src/services/MessageBus.ts"
import { busLayer } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"

const handled = Effect.fnUntraced(function*(handler: Handler, fates: Fates = {}) {
  const bus = yield* MessageBus
  const wanted = options("t", { maxAttempts: 2, ackTimeoutMs: 1_000 })
  yield* bus.handle(named("s"), wanted, handler, undefined, { fates })
  yield* bus.publish(draft("t", 1))
  yield* TestClock.adjust("10 seconds")
  const dead = yield* bus.deadLetters({}, 0, 10)
  return { dead, counters: bus.snapshot().subscriptions[0] }
})

describe("a bus over an executor", () => {
  it.effect("decides about a failure by what the executor says of it", () =>
    Effect.gen(function*() {
      const failed = (isPermanent: boolean) =>
        Effect.fail(new HandlerFailed({ tag: "Closed", error: "it is shut", isPermanent }))
      const { dead: [letter] } = yield* handled(() => failed(true))
      assert.deepInclude(letter, { attempts: 1, reason: "Permanent", error: "it is shut" })
    }).pipe(Effect.provide(busLayer())))

  it.effect("finds the fate of a failure that happened elsewhere", () =>
    Effect.gen(function*() {
      const failure = new HandlerFailed({ tag: "Closed", error: "it is shut", isPermanent: false })
      const { counters } = yield* handled(() => Effect.fail(failure), { Closed: "park" })
      assert.strictEqual(counters?.parked, 1)
    }).pipe(Effect.provide(busLayer())))

  it.effect("counts no attempt when the handler did not begin", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      const { counters } = yield* handled(({ attempt }) =>
        Effect.suspend(() =>
          seen.push(attempt) < 6 ? Effect.fail(new HandlerNotBegun()) : Effect.void
        )
      )
      assert.deepStrictEqual(seen, [1, 1, 1, 1, 1, 1])
      assert.strictEqual(counters?.acked, 1)
    }).pipe(Effect.provide(busLayer())))

  it.effect("counts the time limit only while the handler runs", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const { dead } = yield* handled((delivery) => {
        const { attempt } = delivery
        const say = (what: string) => Effect.sync(() => void seen.push(`${what} ${attempt}`))
        return attempt > 1 ? say("done") : Effect.sync(() => delivery.holdLimit?.(true)).pipe(
          Effect.andThen(Effect.sleep("3 seconds")),
          Effect.andThen(say("begun")),
          Effect.andThen(Effect.sync(() => delivery.holdLimit?.(false))),
          Effect.andThen(Effect.never),
          Effect.onInterrupt(() => say("interrupted"))
        )
      })
      assert.deepStrictEqual(seen, ["begun 1", "interrupted 1", "done 2"])
      assert.deepStrictEqual(dead, [])
    }).pipe(Effect.provide(busLayer())))
})
