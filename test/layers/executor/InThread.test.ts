import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as InThread from "../../../src/layers/executor/InThread.ts"
import { Executor } from "../../../src/services/Executor.ts"
import { loaded } from "../../contracts/ExecutorAgents.ts"
import { executorContract } from "../../contracts/ExecutorContract.ts"
import { delivery, outlet } from "../../contracts/ExecutorDeliveries.ts"

executorContract("the executor in this thread", InThread.layer)

describe("the executor in this thread", () => {
  it.effect("goes on without a handler that does not let go, as nothing can end it here", () =>
    Effect.gen(function*() {
      const { of } = yield* loaded("rough")
      const { run, snapshot } = yield* Executor
      const { calls } = yield* outlet
      const running = yield* Effect.forkChild(run(of("rough"), delivery("hang"), calls), {
        startImmediately: true
      })
      const interrupted = yield* Effect.forkChild(Fiber.interrupt(running))
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(interrupted.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(interrupted)
      assert.strictEqual(snapshot().running, 1)
    }).pipe(Effect.scoped, Effect.provide(InThread.layer)))
})
