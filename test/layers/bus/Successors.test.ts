import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import { draftOf } from "../../../src/layers/embed/Drafting.ts"
import { MessageLog } from "../../../src/services/MessageLog.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { blockLog, busOptions, life } from "./Edges.ts"

describe("a bus on a durable log, when it fails or is succeeded", () => {
  it.effect("every publisher that waits when the log closes is told", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Layer.fresh(blockLog()), scope)
      const log = Context.get(context, MessageLog)
      const told = { count: 0 }
      for (let n = 0; n < 1_000; n++) {
        yield* Effect.forkDetach(
          Effect.andThen(
            log.commit({}),
            Effect.sync(() => told.count++)
          ),
          { startImmediately: true }
        )
      }
      yield* Scope.close(scope, Exit.void)
      yield* settle
      assert.strictEqual(told.count, 1_000)
    }))

  it.effect("a suspect that is discarded before its turn does not stop the others", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "killed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.handle(named("a"), options("a"), () => Effect.never)
          yield* bus.handle(named("b"), options("b"), () => Effect.never)
          yield* bus.handle(named("c"), options("c"), () => Effect.never)
          for (const topic of ["a", "b", "c"]) yield* bus.publish(draft(topic, topic))
          yield* settle
        }), { workersPerShard: 8 })
      const done: Array<unknown> = []
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          // The only worker of the shard of each topic is kept busy once suspects were seen.
          const slow = () => Effect.sleep(25_000)
          const note = ({ payload }: { readonly payload: unknown }) =>
            Effect.sync(() => done.push(payload))
          yield* bus.handle(named("a"), options("a"), slow)
          yield* bus.handle(named("b"), options("b"), note)
          yield* bus.handle(named("c"), options("c"), note)
          yield* bus.handle(named("x"), options("x.>"), () => Effect.sleep(28_000))
          yield* settle
          // All workers are busy when the turn passes from a to b.
          for (let n = 0; n < 40; n++) yield* bus.publish(draft(`x.${n}`, n))
          yield* TestClock.adjust("26 seconds")
          assert.deepStrictEqual(done, [])
          yield* bus.deleteSubscription("b")
          yield* TestClock.adjust("200 seconds")
          assert.deepStrictEqual(done, ["c"])
        }), { workersPerShard: 2, drainMs: 100 })
    }))

  it.effect("an ack of a hand-out that another one followed is stale after a restart too", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const [old, now] = yield* life(disk, "killed", ({ bus }) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("a"), options("t", { ackTimeoutMs: 1_000 }))
          yield* bus.publish(draft("t", 1))
          yield* settle
          const [first] = yield* bus.pull("a", 1, 0)
          yield* TestClock.adjust("2 seconds")
          const [second] = yield* bus.pull("a", 1, 0)
          return [first?.ackId ?? "", second?.ackId ?? ""] as const
        }))
      yield* life(disk, "closed", ({ bus }) =>
        Effect.gen(function*() {
          yield* settle
          assert.deepStrictEqual((yield* bus.ack("a", [old])).unknown, [old])
          assert.deepStrictEqual((yield* bus.ack("a", [now])).unknown, [])
        }))
    }))

  it.effect("a handler that leaves slowly holds up no other subscription, nor its deletion", () =>
    life(new SimulatedDisk(), "closed", ({ bus }) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        yield* Scope.provide(
          bus.handle(named("a"), options("t"), () => Effect.sleep(20_000)),
          scope
        )
        yield* bus.publish(draft("t", 1))
        yield* settle
        const leaving = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* settle
        const creating = yield* Effect.forkChild(bus.createSubscription(named("b"), options("t")))
        const deleting = yield* Effect.forkChild(bus.deleteSubscription("a"))
        yield* TestClock.adjust("1 second")
        const early = [creating, deleting, leaving].map((fiber) => fiber.pollUnsafe() !== undefined)
        yield* TestClock.adjust("60 seconds")
        assert.deepStrictEqual(early, [true, true, true])
        yield* Fiber.join(leaving)
        assert.deepStrictEqual((yield* bus.subscriptions).map(({ name }) => name), ["b"])
      })))

  it.effect("an entry that cannot be written is refused and stops nobody else", () =>
    Effect.gen(function*() {
      const log = yield* MessageLog
      const { bus } = yield* Bus.make(busOptions)
      const refused = { is: false }
      const good = draft("t", 1)
      const wrong = Object.assign({}, good, { contentType: Symbol("no text") })
      const publishing = yield* Effect.forkChild(Effect.flip(bus.publish(wrong as never)))
      yield* settle
      assert.isDefined(publishing.pollUnsafe())
      assert.strictEqual((yield* Fiber.join(publishing))._tag, "LogUnavailable")
      yield* bus.publish(good)
      assert.isDefined([log, refused])
    }).pipe(Effect.scoped, Effect.provide(blockLog())))

  it.each([
    { contentType: 5 },
    { contentType: "x".repeat(100_000) },
    { traceparent: {} },
    { key: 5 },
    { idempotencyKey: 5 }
  ])("options that are no texts are refused: %j", (wrong) => {
    assert.strictEqual(Reflect.get(draftOf("t", 1, wrong as never), "_tag"), "MessageInvalid")
  })

  it.effect("subscriptions that share a full read-ahead wait without turning", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* Bus.make({
        ...busOptions,
        readAhead: { count: 1_000, bytes: 4_000, allBytes: 4_000 }
      })
      yield* bus.publishMany(Array.from({ length: 2_000 }, (_, n) => draft("t", 10_000 + n)))
      for (const name of ["a", "b", "c"]) {
        yield* bus.createSubscription(
          named(name),
          options("t", { from: "earliest", ordering: "none" })
        )
      }
      yield* settle
      let looks = 0
      const original = core.readAheadFull.bind(core)
      core.readAheadFull = (consumer) => {
        looks++
        return original(consumer)
      }
      for (let n = 0; n < 20; n++) {
        yield* Effect.promise(() => new Promise((r) => setImmediate(r)))
      }
      assert.isBelow(looks, 20)
      assert.isBelow(core.readAheadBytes, 6_000)
    }).pipe(Effect.scoped, Effect.provide(blockLog())))
})
