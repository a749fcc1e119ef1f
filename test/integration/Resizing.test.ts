/**
 * The number of shards changes again and again under load: over HTTP, and under handlers.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import process from "node:process"
import type { ResizingReport } from "./fixtures/resizing.ts"
import { call, runToEnd, start, stop, temporaryFolder } from "./Service.ts"
import { planDefault, traffic } from "./Traffic.ts"
import { none, say } from "./Verdict.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"
const changes = isLong ? 100 : 10
const counts = [9, 5, 16, 2, 8]
const program = join(import.meta.dirname, "fixtures", "resizing.ts")

describe("a bus whose shards change under load", () => {
  it.live(`F18, P6: ${changes} changes over HTTP lose, repeat and reorder nothing`, () =>
    Effect.gen(function*() {
      const service = yield* start(yield* temporaryFolder)
      const { finish } = yield* traffic(() => service.url, {
        ...planDefault,
        rate: 1_000,
        batch: 10,
        keys: 200,
        payloadBytes: 200
      })
      for (let change = 0; change < changes; change++) {
        const count = counts[change % counts.length]
        const { body, status } = yield* call(`${service.url}/v1/shards/count`, "PUT", { count })
        assert.strictEqual(status, 200, JSON.stringify(body))
        const { body: now } = yield* call(`${service.url}/v1/shards`, "GET")
        assert.deepInclude<object>(now, { count })
        yield* Effect.sleep(isLong ? 200 : 50)
      }
      const verdict = yield* finish
      say(`F18, ${changes} changes over HTTP`, verdict)
      assert.deepInclude(verdict, none)
      assert.strictEqual(verdict.redelivered, 0)
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))

  it.live(`F18, P6: ${changes} changes of well filled shards keep the order of every key`, () =>
    Effect.gen(function*() {
      const args = [program, yield* temporaryFolder, String(changes)]
      const ended = yield* runToEnd([process.execPath, ...args])
      assert.strictEqual(ended.code, 0, ended.err)
      const report: ResizingReport = JSON.parse(ended.out.trim().split("\n").at(-1) ?? "")
      say(`F18, ${changes} changes under handlers`, report)
      assert.strictEqual(report.handled, report.accepted)
      assert.isAtLeast(report.fill, 0.75)
      assert.isAbove(report.moved, 0)
      assert.deepInclude(report, { repeated: 0, inversions: 0, overlaps: 0 })
      assert.isTrue(report.shards.every(({ inFlight, slots }) => inFlight === 0 && slots === 0))
    }))
})
