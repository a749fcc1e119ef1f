import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import * as WorkerThreads from "../../../src/layers/executor/WorkerThreads.ts"
import { Executor, type LoadedHandler } from "../../../src/services/Executor.ts"
import { agent, lazy, loaded } from "../../contracts/ExecutorAgents.ts"
import { delivery, outlet } from "../../contracts/ExecutorDeliveries.ts"

const until = (holds: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => holds() ? Effect.void : Effect.delay(until(holds), "10 millis"))

/** Starts runs of a handler of `rough`, all in one turn of the loop. */
const starting = Effect.fnUntraced(function*() {
  const { run, snapshot } = yield* Executor
  const { of } = yield* loaded("rough")
  const { calls, sent } = yield* outlet
  const begin = (payload: unknown, handler: LoadedHandler = of("rough")) =>
    Effect.forkChild(run(handler, delivery(payload), calls), { startImmediately: true })
  return { begin, sent, snapshot }
})

const oneThread = WorkerThreads.layer({ threads: 1 })

describe("an executor with a blocked thread", () => {
  it.live("takes back what the thread did not begin; it costs no attempt", () =>
    Effect.gen(function*() {
      const { begin, snapshot } = yield* starting()
      const poison = yield* begin("loop")
      yield* until(() => snapshot().running === 1)
      const others = yield* Effect.forEach(Array.from({ length: 60 }), () => begin(1))
      yield* until(() => snapshot().running > 0 && snapshot().waiting > 0)
      yield* Fiber.interrupt(poison)
      const failed = (yield* Fiber.awaitAll(others)).filter(Exit.isFailure)
      const { crashed, lost, terminated } = snapshot()
      assert.deepStrictEqual([terminated, crashed], [1, 0])
      // On a slow machine a few began before it did; whoever did not has lost nothing.
      assert.strictEqual(failed.length, lost - 1)
      assert.isBelow(failed.length, 30)
    }).pipe(Effect.scoped, Effect.provide(oneThread)))

  it.live("lets go at once of what waits, as the thread need not be asked", () =>
    Effect.gen(function*() {
      const { begin, snapshot } = yield* starting()
      yield* begin("loop")
      yield* until(() => snapshot().running === 1)
      const waiting = yield* begin(1)
      yield* Fiber.interrupt(waiting)
      assert.deepInclude(snapshot(), { terminated: 0, waiting: 0 })
      // What was taken back before it began does not come back from the pool either.
      yield* Effect.sleep("400 millis")
      assert.deepInclude(snapshot(), { terminated: 0, waiting: 0, running: 1 })
    }).pipe(Effect.scoped, Effect.provide(oneThread)))

  it.live("repeats nothing that had succeeded when its thread ended", () =>
    Effect.gen(function*() {
      const { of } = yield* loaded("orders")
      const { begin, snapshot } = yield* starting()
      const done = yield* Effect.forEach([1, 2, 3], (n) => begin(n, of("plain")))
      const poison = yield* begin("exit")
      assert.isTrue((yield* Fiber.awaitAll(done)).every(Exit.isSuccess))
      const error = yield* Effect.flip(Fiber.join(poison))
      assert.deepInclude(error, { _tag: "HandlerFailed", tag: "ThreadLost", isPermanent: false })
      assert.deepInclude(snapshot(), { lost: 1, crashed: 1, suspects: 1 })
    }).pipe(Effect.scoped, Effect.provide(oneThread)))

  it.live("runs a suspect alone, and forgets it once it succeeded", () =>
    Effect.gen(function*() {
      const { run, snapshot } = yield* Executor
      const { of } = yield* loaded("rough")
      const { calls, sent } = yield* outlet
      const bystander = delivery("slow")
      const first = yield* Effect.forkChild(Effect.exit(run(of("rough"), bystander, calls)))
      yield* sent
      yield* Effect.exit(run(of("rough"), delivery("exit"), calls))
      assert.isTrue(Exit.isFailure(yield* Fiber.join(first)))
      assert.strictEqual(snapshot().suspects, 2)
      const again = yield* Effect.forkChild(run(of("rough"), bystander, calls))
      yield* sent
      // Its own thread is none of those that run others.
      assert.deepInclude(snapshot(), { threads: 1, running: 1 })
      yield* Fiber.join(again)
      assert.strictEqual(snapshot().suspects, 1)
    }).pipe(Effect.scoped, Effect.provide(oneThread)))
})

describe("the threads of an executor", () => {
  it.live("start with the first agent, and are not kept for one that does not load", () =>
    Effect.gen(function*() {
      const { load, snapshot } = yield* Executor
      assert.strictEqual(snapshot().threads, 0)
      for (
        const [name, reason] of [["broken", "no such model"], ["empty", "no handler"]] as const
      ) {
        const error = yield* Effect.flip(load(agent(name), lazy))
        assert.include(error.reason, reason)
        yield* until(() => snapshot().threads === 0)
      }
      yield* load(agent("rough"), lazy)
      assert.strictEqual(snapshot().threads, 2)
    }).pipe(Effect.scoped, Effect.provide(WorkerThreads.layer({ threads: 2 }))))

  it.live("load an agent beside one whose import never ends, also as the first one", () =>
    Effect.gen(function*() {
      const { load, snapshot } = yield* Executor
      const endless = yield* Effect.forkChild(load(agent("endless"), lazy), {
        startImmediately: true
      })
      const { begin } = yield* starting()
      yield* Fiber.join(yield* begin(1))
      yield* Fiber.interrupt(endless)
      yield* Fiber.join(yield* begin(2))
      assert.deepInclude(snapshot(), { threads: 2, crashed: 0 })
    }).pipe(Effect.scoped, Effect.provide(WorkerThreads.layer({ threads: 2 }))))

  it.live("leave nobody waiting when the executor closes", () =>
    Effect.gen(function*() {
      const left = yield* Effect.gen(function*() {
        const { run } = yield* Executor
        const { of } = yield* loaded("rough")
        const { calls, sent } = yield* outlet
        const begin = (payload: unknown) =>
          Effect.forkDetach(run(of("rough"), delivery(payload), calls), {
            startImmediately: true
          })
        const running = yield* begin("slow")
        yield* sent
        const blocking = yield* begin("loop")
        const waiting = yield* begin(1)
        return [running, blocking, waiting] as const
      }).pipe(Effect.scoped, Effect.provide(oneThread))
      const [running, ...others] = yield* Fiber.awaitAll(left)
      assert.isTrue(others.every(Exit.isFailure))
      const error = yield* Effect.flip(running ?? Effect.never)
      assert.deepInclude(error, { _tag: "HandlerFailed", tag: "ThreadLost" })
    }))
})
