import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { over, rough } from "./OverBus.ts"

/** A thousand messages that do nothing wrong, and one that does in their midst. */
const among = (poison: string) => Array.from({ length: 1_001 }, (_, at) => at === 500 ? poison : at)

const attemptsOf = (handed: ReadonlyArray<{ readonly attempt: number }>) =>
  handed.reduce((most, { attempt }) => Math.max(most, attempt), 0)

describe("agents in threads", () => {
  for (const threads of [1, 2]) {
    it.live(
      `${threads}: a handler that never returns ends in the dead letters; the others lose nothing`,
      () =>
        Effect.gen(function*() {
          const { dead, executor, handed, publishAll, settled } = yield* rough()
          yield* publishAll(among("loop"))
          const counters = yield* settled
          assert.deepInclude(counters, { acked: 1_000, deadLettered: 1 })
          const [letter] = yield* dead
          assert.deepInclude(letter, { attempts: 3, reason: "AttemptsExhausted" })
          assert.include(letter?.error, "ran longer than its limit of 1000 ms")
          const others = handed.filter(({ payload }) => payload !== "loop")
          // Who stood beside it is tried again once: then it ran alone, apart from the poison.
          assert.isAtMost(attemptsOf(others), 2)
          const { crashed, terminated } = executor.snapshot()
          assert.deepStrictEqual([terminated, crashed], [3, 0])
        }).pipe(Effect.scoped, Effect.provide(over({ threads })))
    )
  }

  it.live("a handler that never lets go, although its thread could run it, is ended as well", () =>
    Effect.gen(function*() {
      const { dead, executor, handed, publishAll, settled } = yield* rough({ maxAttempts: 2 })
      yield* publishAll(among("hang"))
      assert.deepInclude(yield* settled, { acked: 1_000, deadLettered: 1 })
      assert.include((yield* dead)[0]?.error, "ran longer than its limit")
      assert.strictEqual(executor.snapshot().terminated, 2)
      // The others of its thread were let finish.
      assert.strictEqual(attemptsOf(handed.filter(({ payload }) => payload !== "hang")), 1)
    }).pipe(Effect.scoped, Effect.provide(over({ threads: 2 }))))

  for (
    const [poison, error] of [
      ["exit", "it exited with code 3"],
      ["throw", "it crashed: thrown in the air"],
      ["leak", "it crashed: Worker terminated due to reaching memory limit"]
    ] as const
  ) {
    it.live(`a message that ends its thread (${poison}) is dead after its attempts, alone`, () =>
      Effect.gen(function*() {
        const { dead, executor, handed, publishAll, settled } = yield* rough({
          ackTimeoutMs: 60_000
        })
        yield* publishAll(among(poison))
        assert.deepInclude(yield* settled, { acked: 1_000, deadLettered: 1 })
        const [letter] = yield* dead
        assert.deepInclude(letter, { attempts: 3, reason: "AttemptsExhausted" })
        assert.include(letter?.error, error)
        assert.strictEqual(executor.snapshot().crashed, 3)
        assert.isAtMost(attemptsOf(handed.filter(({ payload }) => payload !== poison)), 2)
      }).pipe(Effect.scoped, Effect.provide(over({ threads: 2, heapMegabytesMax: 96 }))))
  }

  it.live("a rejection that an agent forgot ends neither its thread nor the process", () =>
    Effect.gen(function*() {
      const { executor, publishAll, settled } = yield* rough()
      yield* publishAll(["forget", "forget", 1])
      assert.deepInclude(yield* settled, { acked: 3, redelivered: 0 })
      assert.strictEqual(executor.snapshot().crashed, 0)
    }).pipe(Effect.scoped, Effect.provide(over({ threads: 1 }))))

  it.live("replaces threads under load without losing, repeating or reordering anything", () =>
    Effect.gen(function*() {
      const { executor, handed, publishAll, settled } = yield* rough({ ackTimeoutMs: 60_000 })
      const numbers = Array.from({ length: 6_000 }, (_, at) => at)
      yield* publishAll(numbers, (at) => `key ${at % 20}`)
      assert.deepInclude(yield* settled, { acked: 6_000, redelivered: 0 })
      const { crashed, lost, recycled, terminated } = executor.snapshot()
      assert.isAtLeast(recycled, 1)
      assert.deepStrictEqual([crashed, terminated, lost], [0, 0, 0])
      for (let key = 0; key < 20; key++) {
        const own = handed.map(({ payload }) => Number(payload)).filter((n) => n % 20 === key)
        assert.deepStrictEqual(own, own.toSorted((a, b) => a - b))
      }
    }).pipe(Effect.scoped, Effect.provide(over({ threads: 2, recycleAfter: 500 }))))
})
