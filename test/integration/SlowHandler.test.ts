/**
 * One slow handler, or one slow consumer, among many that are not.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import process from "node:process"
import type { SlowReport } from "./fixtures/slow.ts"
import { call, runToEnd, start, stop, temporaryFolder } from "./Service.ts"
import { say } from "./Verdict.ts"

const program = join(import.meta.dirname, "fixtures", "slow.ts")
const isLong = process.env["CODEFACTORY_LONG"] === "1"

/** The long one is that of the fault matrix; the short one compares no times. */
const plan = isLong ? { sleepMs: 10_000, messages: 4_000 } : { sleepMs: 3_000, messages: 400 }

describe("one slow among many", () => {
  it.live("F10: a handler that sleeps holds back its key alone, and is not run again", () =>
    Effect.gen(function*() {
      const dataDir = yield* temporaryFolder
      const args = [dataDir, String(plan.sleepMs), String(plan.messages)]
      const ended = yield* runToEnd([process.execPath, program, ...args])
      assert.strictEqual(ended.code, 0, ended.err)
      const report: SlowReport = JSON.parse(ended.out)
      say("F10", report)
      assert.deepStrictEqual(report.slowAttempts, [1, 1])
      assert.strictEqual(report.repeated, 0)
      assert.isAtLeast(report.meanwhile, plan.messages / 2)
      if (isLong) assert.isAtMost(report.p99Beside, 2 * report.p99Alone + 5)
    }))

  it.live("F10: a lease that is renewed is handed to nobody else, others go on", () =>
    Effect.gen(function*() {
      const service = yield* start(yield* temporaryFolder)
      const subscription = `${service.url}/v1/subscriptions/slow`
      yield* call(subscription, "PUT", { topic: "s.>", ackTimeoutMs: 1_000 })
      const publish = (key: string, payload: number) =>
        call(`${service.url}/v1/topics/s.t/messages`, "POST", { key, payload })
      const first = (yield* publish("slow", -1)).body.id
      const pull = Effect.map(
        call(`${subscription}/pull`, "POST", { max: 100, waitMs: 0 }),
        ({ body }) => body.deliveries
      )
      const [held] = yield* pull
      assert.strictEqual(held?.message.id, first)
      yield* publish("slow", -2)
      for (let round = 0; round < 12; round++) {
        const ids = [yield* publish("a", round), yield* publish("b", round)].map((a) => a.body.id)
        const deliveries = yield* pull
        assert.deepStrictEqual(deliveries.map(({ message }) => message.id), ids)
        const ackIds = deliveries.map(({ ackId }) => ackId)
        yield* call(`${subscription}/ack`, "POST", { ackIds })
        const renewed = yield* call(`${subscription}/extend`, "POST", {
          ackIds: [held?.ackId],
          byMs: 10_000
        })
        assert.deepInclude<object>(renewed.body, { done: 1 })
        yield* Effect.sleep(200)
      }
      yield* call(`${subscription}/ack`, "POST", { ackIds: [held?.ackId] })
      assert.deepStrictEqual((yield* pull).map(({ message }) => message.payload), [-2])
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))
})
