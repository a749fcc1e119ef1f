/**
 * The service gets a quarter of a core, or none at all for a while, under traffic.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import process from "node:process"
import { controlGroup } from "./ControlGroup.ts"
import { start, stop, temporaryFolder } from "./Service.ts"
import { planDefault, traffic } from "./Traffic.ts"
import { memoryOf, none, say } from "./Verdict.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"
const times = isLong
  ? { before: 15_000, fault: 20_000, after: 25_000 }
  : { before: 500, fault: 2_000, after: 500 }

describe("a service that is short of CPU time", () => {
  it.live("F25: loses, repeats and reorders nothing on a quarter of a core", (context) =>
    Effect.gen(function*() {
      const group = yield* controlGroup("cpu", {
        "cpu.cfs_period_us": 100_000,
        "cpu.cfs_quota_us": 25_000
      })
      if (group === undefined) return context.skip("no control group of CPU time can be made here")
      const service = yield* start(yield* temporaryFolder)
      const { finish } = yield* traffic(() => service.url)
      yield* Effect.sleep(times.before)
      group.take(service.process.pid)
      yield* Effect.sleep(times.fault)
      group.free(service.process.pid)
      yield* Effect.sleep(times.after)
      const verdict = yield* finish
      say("F25, a quarter of a core", { ...verdict, ...memoryOf(service.process.pid) })
      assert.deepInclude(verdict, none)
      assert.strictEqual(verdict.redelivered, 0)
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))

  it.live("F25: goes on after it was stopped for seconds, and repeats only what leases allow", () =>
    Effect.gen(function*() {
      const service = yield* start(yield* temporaryFolder)
      const { finish } = yield* traffic(() => service.url, {
        ...planDefault,
        subscription: { maxAttempts: 100, ackTimeoutMs: 60_000 }
      })
      for (let round = 0; round < (isLong ? 5 : 1); round++) {
        yield* Effect.sleep(times.before)
        service.process.kill("SIGSTOP")
        yield* Effect.sleep(isLong ? 5_000 : 2_000)
        service.process.kill("SIGCONT")
        yield* Effect.sleep(times.after)
      }
      const verdict = yield* finish
      say("F25, stopped 5 times for 5 s", verdict)
      assert.deepInclude(verdict, none)
      assert.strictEqual(verdict.redelivered, 0)
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))
})
