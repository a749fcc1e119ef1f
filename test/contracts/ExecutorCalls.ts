/**
 * What handlers may ask of any executor, and how they are told to let go.
 */
import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Executor } from "../../src/services/Executor.ts"
import { handed, type Live } from "./ExecutorAgents.ts"
import { within } from "./ExecutorDeliveries.ts"

/** Publishing and replying. */
export const calling = (live: Live) => {
  live(
    "lets a handler publish with every option, and tells it of refusals by tag and field",
    Effect.gen(function*() {
      const options = { key: "k", priority: 7, headers: { h: "1" }, idempotencyKey: "i" }
      const { run, sent } = yield* handed("publishing", {
        topic: "out",
        value: { n: [1, "ü"] },
        options
      })
      yield* run
      const out = yield* sent
      assert.strictEqual(String(out.topic), "out")
      assert.deepInclude(out, { key: "k", priority: 7, idempotencyKey: "i" })
      assert.strictEqual(out.headers, `{"h":"1"}`)
      assert.isAbove(out.deliverAt ?? 0, 1_700_000_000_000)
      assert.deepStrictEqual(out.value, { n: [1, "ü"] })
      const outcome = yield* sent
      assert.deepInclude(outcome.value, { topic: "out", durability: "memory", duplicate: false })
      const invalid = { _tag: "MessageInvalid", field: "payload" }
      assert.deepStrictEqual((yield* sent).value, [invalid, invalid])
    })
  )
  live(
    "tells a handler of a full shard and of options that are none",
    Effect.gen(function*() {
      const { run, sent } = yield* handed("publishing", { topic: "full", value: 1, options: {} })
      yield* run
      assert.deepInclude((yield* sent).value, { _tag: "ShardFull", shard: 3 })
      const options = { priority: 11, headers: { a: 1 } }
      const wrong = yield* handed("publishing", { topic: "t", value: 1, options })
      yield* wrong.run
      assert.deepInclude((yield* wrong.sent).value, { _tag: "MessageInvalid", field: "priority" })
    })
  )
  live(
    "lets a handler keep sessions, and tells it of refusals by tag and field",
    Effect.gen(function*() {
      const { run, sent } = yield* handed("remembering", 1)
      yield* run
      assert.deepStrictEqual((yield* sent).value, {
        isNew: true,
        isSame: true,
        value: { turns: [1, "ü"] },
        refused: [
          ["SessionConflict", null],
          ["SessionInvalid", "value"],
          ["SessionInvalid", "ttlMs"],
          ["SessionInvalid", "name"],
          ["SessionInvalid", "ttlMs"],
          ["SessionConflict", null]
        ],
        ended: [true, false]
      })
    })
  )
  live(
    "publishes in the context of the message, and runs Effects in it",
    Effect.gen(function*() {
      const context = { tenant: "t1" }
      const { run, sent } = yield* handed("inContext", 1, { context: JSON.stringify(context) })
      yield* within(context)(run)
      const { value, within: around } = yield* sent
      assert.deepStrictEqual([value, around], [context, context])
    })
  )
  live(
    "replies to requests, and sends what a handler did not wait for",
    Effect.gen(function*() {
      const first = yield* handed("replying", { a: 1 })
      yield* first.run
      assert.deepStrictEqual([(yield* first.sent).value, first.given.replies], [true, [{ a: 1 }]])
      const hasty = yield* handed("hasty", 1)
      yield* hasty.run
      assert.deepStrictEqual([(yield* hasty.sent).value, (yield* hasty.sent).value], [1, 2])
      assert.deepStrictEqual(hasty.given.replies, ["sent"])
    })
  )
}

/** What comes after the end of a run. */
export const afterwards = (live: Live) => {
  live(
    "lets a handler publish when its run is over, but there is nothing to reply to any more",
    Effect.gen(function*() {
      const { given, run, sent } = yield* handed("late", 1)
      yield* run
      const { topic, value } = yield* sent
      assert.deepStrictEqual([topic, value, given.replies], ["late", false, []])
    })
  )
}

/** Interruptions. */
export const interrupting = (live: Live) => {
  for (const kind of ["patient", "effectful"]) {
    live(
      `tells a ${kind} handler to let go, and waits until it has`,
      Effect.gen(function*() {
        const { run, sent, topics } = yield* handed(kind, 1)
        const { snapshot } = yield* Executor
        const running = yield* Effect.forkChild(run)
        yield* sent
        assert.strictEqual(snapshot().running, 1)
        yield* Fiber.interrupt(running)
        assert.deepStrictEqual(topics, ["begun", "released"])
        assert.strictEqual(snapshot().running, 0)
      })
    )
  }
}
