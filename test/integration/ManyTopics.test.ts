/**
 * One message on each of very many topics.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import process from "node:process"
import { call, type Service, start, stop, temporaryFolder } from "./Service.ts"
import { calmP99, memoryOf, say } from "./Verdict.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"
const topicCounts = isLong ? [10_000, 100_000] : [10_000]
const batch = 1_000

/** The 99th percentile of publishes one by one, in milliseconds. */
const p99 = ({ url }: Service) =>
  Effect.gen(function*() {
    const latencies: Array<number> = []
    for (let n = 0; n < 1_000; n++) {
      const before = performance.now()
      yield* call(`${url}/v1/topics/usual.t/messages`, "POST", { payload: n })
      latencies.push(performance.now() - before)
    }
    return calmP99(latencies)
  })

const scrape = ({ metricsUrl }: Service) =>
  Effect.promise(async () => {
    const before = performance.now()
    const text = await (await fetch(`${metricsUrl}/metrics`)).text()
    return { bytes: text.length, ms: performance.now() - before, text }
  })

const publishFrom = ({ url }: Service, from: number, to: number) =>
  Effect.gen(function*() {
    for (let at = from; at < to; at += batch) {
      const items = Array.from({ length: Math.min(batch, to - at) }, (_, index) => ({
        topic: `many.topic-${at + index}.created`,
        payload: at + index
      }))
      const { status } = yield* call(`${url}/v1/messages`, "POST", items)
      assert.strictEqual(status, 202)
    }
  })

/** Resident memory once it is below a limit, or after half a minute. */
const settledMemory = (service: Service, mb: number) =>
  Effect.gen(function*() {
    for (let tries = 0; tries < 300; tries++) {
      if (memoryOf(service.process.pid).now <= mb) break
      yield* Effect.sleep(100)
    }
    return memoryOf(service.process.pid).now
  })

describe("very many topics", () => {
  it.live(
    `F16: ${topicCounts.join(" and ")} cost at most 2 kB each, and no scrape grows with them`,
    () =>
      Effect.gen(function*() {
        const service = yield* start(yield* temporaryFolder)
        yield* call(`${service.url}/v1/subscriptions/many`, "PUT", { topic: "many.>" })
        const p99Before = isLong ? yield* p99(service) : 0
        const idle = memoryOf(service.process.pid).now
        let from = 0
        for (const count of topicCounts) {
          yield* publishFrom(service, from, count)
          from = count
          const limit = idle + 2 * count / 1_024 + 50
          const memory = yield* settledMemory(service, limit)
          const { bytes, ms, text } = yield* scrape(service)
          const p99After = isLong ? yield* p99(service) : 0
          say("F16", { count, idle, memory, limit, bytes, ms, p99Before, p99After })
          assert.isAtMost(memory, limit)
          assert.isAtMost(bytes, 2 * 1_048_576)
          assert.include(text, `message_bus_topic_throughput{topic="other"}`)
          if (isLong) assert.isAtMost(p99After, 2 * p99Before + 5)
        }
        assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
      })
  )
})
