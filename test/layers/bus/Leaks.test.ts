import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { life } from "./Edges.ts"

describe("subscribing and unsubscribing", () => {
  it.effect("10,000 times leaves but the subscription (behaviour 4, pitfalls 45 to 47)", () =>
    life(new SimulatedDisk(), "closed", ({ bus, core }) =>
      Effect.gen(function*() {
        const late: Array<number> = []
        for (let n = 0; n < 10_000; n++) {
          const attached = { is: true }
          const handled = () => attached.is || late.push(n)
          yield* Effect.scoped(
            bus.handle(named("s"), options("a.*"), () => Effect.sync(handled))
          )
          attached.is = false
          if (n % 1_000 === 0) yield* bus.publish(draft("a.b", n))
        }
        const [consumer] = core.consumers.values()
        assert.strictEqual(core.consumers.size, 1)
        assert.isUndefined(consumer?.handler)
        assert.strictEqual(consumer?.wakers.size, 0)
        assert.isAtMost([...(consumer?.unsettled() ?? [])].length, 10)
        assert.deepStrictEqual(late, [], "a detached handler was called")
        assert.strictEqual(core.topics.size, 1)
      })))

  it.effect("created and deleted a thousand times leaves nothing at all (pitfall 46)", () =>
    life(new SimulatedDisk(), "closed", ({ bus, core }) =>
      Effect.gen(function*() {
        for (let n = 0; n < 1_000; n++) {
          yield* bus.createSubscription(named(`s${n}`), options("a.*"))
          yield* bus.deleteSubscription(`s${n}`)
        }
        assert.strictEqual(core.consumers.size, 0)
        assert.deepStrictEqual(yield* bus.subscriptions, [])
        yield* bus.publish(draft("a.b", 1))
        assert.strictEqual(bus.snapshot().unrouted, 1)
      })))

  it.effect("a handler may subscribe and unsubscribe others while it runs (pitfall 45)", () =>
    life(new SimulatedDisk(), "closed", ({ bus, core }) =>
      Effect.gen(function*() {
        let inner = 0
        yield* bus.handle(named("outer"), options("t"), () =>
          Effect.scoped(Effect.gen(function*() {
            const other = bus.handle(named("inner"), options("u"), () => Effect.sync(() => inner++))
            yield* other
            yield* bus.publish(draft("u", 1))
            yield* Effect.sleep("50 millis")
          })))
        yield* bus.publish(draft("t", 1))
        yield* Effect.repeat(settle, { times: 10 })
        yield* bus.publish(draft("t", 2))
        yield* Effect.repeat(settle, { times: 10 })
        assert.strictEqual(inner, 2)
        assert.isUndefined(core.consumers.get("inner")?.handler)
      })))
})
