import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as BlockLog from "../../../src/layers/log/BlockLog.ts"
import { MessageBus } from "../../../src/services/MessageBus.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"
import { settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"

/** Runs a bus on a disk; then it is closed, or its process killed. */
const life = <A, E>(
  disk: SimulatedDisk,
  end: "closed" | "killed",
  use: (bus: MessageBus["Service"], disk: SimulatedDisk) => Effect.Effect<A, E, Scope.Scope>
) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const log = BlockLog.layer(Duration.hours(1)).pipe(Layer.provide(disk.layer))
    const layer = Bus.layer({
      ...Bus.optionsDefault,
      shardCount: 2,
      workersPerShard: 4,
      drainMs: 100
    })
    const context = yield* Layer.buildWithScope(
      Layer.fresh(layer.pipe(Layer.provide(log))),
      scope
    )
    const handlers = yield* Scope.make() // Those that hang must not hold up the close.
    const result = yield* Scope.provide(use(Context.get(context, MessageBus), disk), handlers)
    if (end === "killed") yield* disk.crash("Killed")
    const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
    yield* TestClock.adjust("10 seconds")
    assert.isDefined(closing.pollUnsafe())
    yield* Scope.close(handlers, Exit.void)
    return result
  })

const payloads = (deliveries: ReadonlyArray<{ readonly message: { readonly payload: string } }>) =>
  deliveries.map(({ message }) => message.payload)

describe("a bus on a durable log", () => {
  it.effect("has subscriptions and unsettled messages again after a restart or a kill", () =>
    Effect.forEach(["closed", "killed"] as const, (end) =>
      Effect.gen(function*() {
        const disk = new SimulatedDisk()
        yield* life(disk, end, (bus) =>
          Effect.gen(function*() {
            yield* bus.createSubscription(named("s"), options("t"))
            yield* bus.publishMany([1, 2, 3].map((n) => draft("t", n, { key: "k" })))
            const [first] = yield* bus.pull("s", 1, 0)
            yield* bus.ack("s", [first?.ackId ?? ""])
          }))
        yield* life(disk, "closed", (bus) =>
          Effect.gen(function*() {
            yield* settle
            assert.deepStrictEqual(payloads(yield* bus.pull("s", 9, 0)), ["2", "3"])
            assert.isFalse((yield* bus.publish(draft("t", 4))).duplicate)
          }))
      })))

  it.effect("takes an ack for what a former process handed out, before and after reading it", () =>
    Effect.forEach([false, true], (isRead) =>
      Effect.gen(function*() {
        const disk = new SimulatedDisk()
        const leases = yield* life(disk, "killed", (bus) =>
          Effect.gen(function*() {
            yield* bus.createSubscription(named("s"), options("t"))
            yield* bus.publishMany([1, 2, 3].map((n) => draft("t", n)))
            return yield* bus.pull("s", 9, 0)
          }))
        const acks = leases.slice(0, 2).map(({ ackId }) => ackId)
        yield* life(disk, "killed", (bus) =>
          Effect.gen(function*() {
            if (isRead) yield* settle
            assert.deepStrictEqual(yield* bus.ack("s", acks), { done: 2, unknown: [] })
            assert.deepStrictEqual(yield* bus.ack("s", acks), { done: 0, unknown: acks })
            yield* settle
            const [left, ...others] = yield* bus.pull("s", 9, 0)
            assert.deepStrictEqual([left?.message.payload, left?.attempt, others], ["3", 2, []])
            const late = leases.slice(2).map(({ ackId }) => ackId)
            assert.deepStrictEqual(yield* bus.ack("s", late), { done: 0, unknown: late })
          }))
        yield* life(disk, "closed", (bus) =>
          Effect.andThen(
            settle,
            Effect.map(
              bus.pull("s", 9, 0),
              (again) => assert.deepStrictEqual(payloads(again), ["3"])
            )
          ))
      })))

  it.effect("P2: runs what was running when its process was lost one at a time", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const all = [0, 1, 2, 3]
      const started: Array<unknown> = []
      yield* life(disk, "killed", (bus) =>
        Effect.gen(function*() {
          yield* bus.handle(named("s"), options("t"), ({ payload }) => {
            started.push(payload)
            return Effect.never
          })
          yield* bus.publishMany(all.map((n) => draft("t", n)))
          yield* settle
        }))
      assert.strictEqual(started.length, 4)
      const running = { now: 0, most: 0, done: 0 }
      yield* life(disk, "closed", (bus) =>
        Effect.gen(function*() {
          yield* bus.handle(named("s"), options("t"), ({ attempt }) => {
            assert.strictEqual(attempt, 2)
            running.most = Math.max(running.most, ++running.now)
            return Effect.andThen(
              Effect.sleep(100),
              Effect.sync(() => {
                running.now--
                running.done++
              })
            )
          })
          yield* TestClock.adjust("5 seconds")
        }))
      assert.deepStrictEqual(running, { now: 0, most: 1, done: 4 })
    }))

  it.effect("P2: a message that ended its process each time is dead, with that as the reason", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const attempts: Array<number> = []
      const deadly = (bus: MessageBus["Service"]) =>
        Effect.gen(function*() {
          yield* bus.handle(named("s"), options("t", { maxAttempts: 3 }), ({ attempt }) => {
            attempts.push(attempt)
            return Effect.never
          })
          if (attempts.length === 0) yield* bus.publish(draft("t", "deadly"))
          yield* settle
        })
      yield* Effect.forEach([1, 2, 3], () => life(disk, "killed", deadly))
      assert.deepStrictEqual(attempts, [1, 2, 3])
      const letters = yield* life(
        disk,
        "closed",
        (bus) => Effect.andThen(deadly(bus), bus.deadLetters({}, 0, 10))
      )
      assert.deepStrictEqual(letters.map(({ attempts, reason }) => [attempts, reason]), [
        [3, "ProcessLost"]
      ])
      assert.strictEqual(attempts.length, 3)
    }))

  it.effect("pitfall 22: dead letters and what is being replayed outlive a kill", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "killed", (bus) =>
        Effect.gen(function*() {
          yield* bus.createSubscription(named("s"), options("t", { maxAttempts: 1 }))
          yield* bus.publishMany([1, 2].map((n) => draft("t", n)))
          const leases = yield* bus.pull("s", 9, 0)
          yield* bus.nack("s", leases.map(({ ackId }) => ackId), 0)
          const [letter] = yield* bus.deadLetters({}, 0, 1)
          assert.strictEqual((yield* bus.replay({ ids: [letter?.id ?? 0] }, false)).replayed, 1)
        }))
      yield* life(disk, "closed", (bus) =>
        Effect.gen(function*() {
          yield* settle
          assert.deepStrictEqual(payloads(yield* bus.deadLetters({}, 0, 9)), ["2"])
          const again = yield* bus.pull("s", 9, 0)
          assert.deepStrictEqual(again.map(({ attempt, message }) => [message.payload, attempt]), [
            ["1", 1]
          ])
        }))
    }))

  it.effect("behaviour 21: an idempotency key outlives a kill", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      const same = draft("t", 1, { idempotencyKey: "i" })
      const first = yield* life(disk, "killed", (bus) => bus.publish(same))
      const again = yield* life(disk, "closed", (bus) => bus.publish(same))
      assert.deepStrictEqual([again.id, again.duplicate], [first.id, true])
    }))

  it.effect("behaviour 23: a publish that the log refused leaves no idempotency key", () =>
    life(new SimulatedDisk(), "closed", (bus, disk) =>
      Effect.gen(function*() {
        const same = draft("t", 1, { idempotencyKey: "i" })
        disk.failNext("Full")
        assert.strictEqual((yield* Effect.flip(bus.publish(same)))._tag, "LogUnavailable")
        assert.isFalse((yield* bus.publish(same)).duplicate)
      })))

  it.effect("a full disk refuses publishes, and settles later what was settled meanwhile", () =>
    Effect.gen(function*() {
      const disk = new SimulatedDisk()
      yield* life(disk, "closed", (bus) =>
        Effect.gen(function*() {
          yield* bus.handle(named("s"), options("t"), () => Effect.void)
          yield* bus.publish(draft("t", 1))
          disk.faults = { delayMsMax: 0, failing: 1 }
          const refused = yield* Effect.flip(bus.publish(draft("t", 2)))
          assert.strictEqual(refused._tag, "LogUnavailable")
          yield* TestClock.adjust("5 seconds")
          assert.include(bus.snapshot().degraded.join(), "no settlements")
          disk.faults = { delayMsMax: 0, failing: 0 }
          yield* TestClock.adjust("5 seconds")
          assert.notInclude(bus.snapshot().degraded.join(), "no settlements")
        }))
      yield* life(
        disk,
        "closed",
        (bus) =>
          Effect.map(settle, () => assert.strictEqual(bus.snapshot().subscriptions[0]?.pending, 0))
      )
    }))
})
