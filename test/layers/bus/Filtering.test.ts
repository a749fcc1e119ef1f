import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Scope } from "effect"
import { retryDefault } from "../../../src/domain/RetryPolicy.ts"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { busLayer, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { life, payloads } from "./Edges.ts"

const large = { filter: { "payload.n": { gte: 5 } } }
const numbers = Array.from({ length: 10 }, (_, n) => draft("t", { n }))
const shown = (n: number) => `{"n":${n}}`

/** A bus in memory with its state in view. */
const inside = Effect.provide(
  Bus.make({ ...Bus.optionsDefault, shardCount: 2, drainMs: 0 }),
  Layer.fresh(MemoryLog.layer)
)

const countersOf = (bus: MessageBus["Service"], name: string) =>
  bus.snapshot().subscriptions.find((one) => one.name === name)

describe("a subscription with a filter", () => {
  it.effect("behaviour 7: gets what passes; the rest was never pending", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.createSubscription(named("some"), options("t", large))
      yield* bus.createSubscription(named("all"), options("t"))
      yield* bus.publishMany(numbers)
      const counters = countersOf(bus, "some")
      assert.deepStrictEqual([counters?.matched, counters?.pending], [5, 5])
      const pulled = yield* bus.pull("some", 100, 0)
      assert.deepStrictEqual(payloads(pulled), [5, 6, 7, 8, 9].map(shown))
      yield* bus.ack("some", pulled.map(({ ackId }) => ackId))
      assert.strictEqual(countersOf(bus, "some")?.pending, 0)
      assert.strictEqual(countersOf(bus, "all")?.pending, 10)
    }).pipe(Effect.provide(busLayer())))

  it.effect("lets go of what nobody wants: no slot, no entry, counted as unrouted", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* inside
      yield* bus.createSubscription(named("s"), options("t", large))
      yield* bus.publishMany(numbers)
      assert.strictEqual(bus.snapshot().unrouted, 5)
      const pulled = yield* bus.pull("s", 100, 0)
      yield* bus.ack("s", pulled.map(({ ackId }) => ackId))
      assert.strictEqual(core.log.sizeBytes(), 0)
      assert.isTrue(core.shards.every(({ slots }) => slots === 0))
    }))

  it.effect("behaviour 7: a function that throws is an error of its subscription only", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      const seen: Array<string> = []
      const see = (name: string) =>
        bus.handle(
          named(name),
          options("t"),
          ({ message }) => Effect.sync(() => void seen.push(`${name} ${message.payload}`)),
          undefined,
          {
            filter: (payload) => {
              const n = Number(Reflect.get(Object(payload), "n"))
              if (name === "broken" && n > 7) throw new Error("no")
              return name === "broken" ? n > 5 : n === 9
            }
          }
        )
      yield* see("broken")
      yield* see("good")
      yield* bus.publishMany(numbers)
      yield* settle
      assert.sameMembers(seen, ["broken {\"n\":6}", "broken {\"n\":7}", "good {\"n\":9}"])
      assert.strictEqual(countersOf(bus, "broken")?.filterErrors, 2)
      assert.strictEqual(countersOf(bus, "good")?.filterErrors, 0)
      assert.deepInclude(bus.snapshot().callbackErrors, ["t", 2])
    }).pipe(Effect.provide(busLayer())))

  it.effect("in memory: handlers of other filters come and go, and nothing stays for ever", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* inside
      yield* bus.createSubscription(named("s"), options("t"))
      yield* bus.publishMany(numbers)
      const scope = yield* Scope.make()
      const seen: Array<string> = []
      const handle = bus.handle(
        named("s"),
        options("t"),
        ({ message }) => Effect.sync(() => void seen.push(message.payload)),
        undefined,
        { filter: (payload) => Number(Reflect.get(Object(payload), "n")) % 2 === 0 }
      )
      yield* Scope.provide(handle, scope)
      yield* settle
      assert.sameMembers(seen, [0, 2, 4, 6, 8].map(shown))
      assert.strictEqual(core.log.sizeBytes(), 0)
      yield* bus.publishMany(numbers)
      yield* settle
      yield* Scope.close(scope, Exit.void)
      yield* bus.publishMany(numbers)
      const pulled = yield* bus.pull("s", 100, 0)
      assert.lengthOf(pulled, 10)
      yield* bus.ack("s", pulled.map(({ ackId }) => ackId))
      assert.strictEqual(core.log.sizeBytes(), 0)
      assert.isTrue(core.shards.every(({ slots }) => slots === 0))
      assert.strictEqual(countersOf(bus, "s")?.pending, 0)
    }))

  it.effect("in memory: what another handler's filter left out is not lost to others", () =>
    Effect.gen(function*() {
      const { bus } = yield* inside
      yield* bus.createSubscription(named("keep"), options("t"))
      const scope = yield* Scope.make()
      const handle = bus.handle(
        named("s"),
        options("t"),
        ({ payload }) => Reflect.get(Object(payload), "n") === 0 ? Effect.fail("no") : Effect.void,
        { ...retryDefault, baseMs: 4_000 },
        { filter: (payload) => Number(Reflect.get(Object(payload), "n")) % 2 === 0 }
      )
      yield* Scope.provide(handle, scope)
      yield* bus.publishMany(numbers)
      yield* settle
      yield* Scope.close(scope, Exit.void)
      const pulled = yield* bus.pull("s", 100, 0)
      assert.include(payloads(pulled), shown(1)) // It lies behind the one that failed.
      yield* bus.ack("s", pulled.map(({ ackId }) => ackId))
      const seen: Array<string> = []
      yield* bus.handle(
        named("keep"),
        options("t"),
        ({ message }) => Effect.sync(() => void seen.push(message.payload))
      )
      yield* settle
      assert.sameMembers(seen, Array.from({ length: 10 }, (_, n) => shown(n)))
    }))

  it.effect("reads only what passes from the log, and its floor goes past the rest", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "closed", ({ bus }) => bus.publishMany(numbers))
      yield* life(disk, "killed", ({ bus, core }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t", { ...large, from: "earliest" }))
          yield* settle
          const pulled = yield* bus.pull("s", 100, 0)
          assert.deepStrictEqual(payloads(pulled), [5, 6, 7, 8, 9].map(shown))
          yield* bus.ack("s", pulled.map(({ ackId }) => ackId))
          yield* bus.publish(draft("t", { n: 1 }))
          const consumer = core.consumers.get("s")
          const track = consumer?.tracks.find((track) => track !== undefined)
          assert.strictEqual(track?.cursor(1).floor, 10)
        }))
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* settle
          assert.strictEqual(countersOf(bus, "s")?.pending, 0)
          assert.deepStrictEqual(yield* bus.pull("s", 100, 0), [])
        }))
    }))

  it.effect("behaviour 5: 1,000 subscriptions cost a message nothing but those that match", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* inside
      for (let n = 0; n < 1_000; n++) {
        yield* bus.createSubscription(named(`s${n}`), options(`tenant-${n}.>`))
      }
      yield* bus.publish(draft("tenant-7.a.b", 0))
      assert.deepStrictEqual(
        core.topics.get(draft("tenant-7.a.b", 0).topic).consumers.map(({ subscription }) =>
          String(subscription.name)
        ),
        ["s7"]
      )
      assert.isAtMost(core.topics.patternsVisited, 3)
    }))
})
