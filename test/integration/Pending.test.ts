/**
 * A service that was killed with very much undelivered starts again at once.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import process from "node:process"
import { drain, subscribe } from "./Consume.ts"
import { call, start, stop, temporaryFolder } from "./Service.ts"
import { cpuMsOf, memoryOf, say } from "./Verdict.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"
const pending = isLong ? 100_000 : 10_000
const batch = 1_000

describe("a service killed with a backlog", () => {
  it.live(`F1: starts with ${pending} pending, within 3 s in the long run, and delivers each`, () =>
    Effect.gen(function*() {
      const dataDir = yield* temporaryFolder
      const first = yield* start(dataDir)
      yield* subscribe(first.url, "backlog")
      const ids = new Set<string>()
      for (let at = 0; at < pending; at += batch) {
        const items = Array.from({ length: batch }, (_, index) => ({
          topic: `load.t${index % 100}`,
          key: `k${index % 500}`,
          payload: { n: at + index, text: "x".repeat(200) }
        }))
        const { body, status } = yield* call(`${first.url}/v1/messages`, "POST", items)
        assert.strictEqual(status, 202)
        body.results.forEach(({ id }) => ids.add(id))
      }
      yield* stop(first, "SIGKILL")
      const before = performance.now()
      const second = yield* start(dataDir)
      const ready = yield* call(`${second.url}/readyz`, "GET")
      const startMs = performance.now() - before
      assert.strictEqual(ready.status, 200)
      const { now } = memoryOf(second.process.pid)
      const cpuMs = cpuMsOf(second.process.pid)
      say("F1, start", { pending, startMs, cpuMs, now })
      // What other work of the machine takes is not the bus's.
      if (isLong) assert.isAtMost(Math.min(startMs, cpuMs), 3_000)
      const delivered = new Set(yield* drain(second.url, "backlog", 2_000))
      assert.deepStrictEqual([...ids].filter((id) => !delivered.has(id)), [])
      assert.strictEqual(delivered.size, ids.size)
      assert.strictEqual(yield* stop(second, "SIGTERM"), 0)
    }))
})
