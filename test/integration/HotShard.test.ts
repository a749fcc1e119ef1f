/**
 * All traffic goes to one shard, whose consumer does not keep up.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import process from "node:process"
import { hash32, orderText } from "../../src/domain/Position.ts"
import * as Ring from "../../src/domain/Ring.ts"
import { drain } from "./Consume.ts"
import { call, type Service, start, stop, temporaryFolder } from "./Service.ts"
import { calmP99, say } from "./Verdict.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"
const shards = [0, 1, 2, 3, 4, 5, 6, 7]
const ring = Ring.make(shards)
const hot = 3
const slots = 2_000

const shardOf = (topic: string) => Ring.owner(ring, hash32(topic))

/** Names on the hot shard, or on none but the others. */
const topics = (count: number, isHot: boolean): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let n = 0; found.length < count; n++) {
    const topic = `load.hot-${n}`
    if ((shardOf(topic) === hot) === isHot) found.push(topic)
  }
  return found
}

const publish = ({ url }: Service, topic: string) =>
  call(`${url}/v1/topics/${topic}/messages`, "POST", { payload: 1 })

/** Publishes to each topic; gives the shards that refused, and the 99th percentile. */
const publishAll = (service: Service, names: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const refused = new Set<number>()
    const latencies: Array<number> = []
    for (const topic of names) {
      const before = performance.now()
      const { headers, status } = yield* publish(service, topic)
      latencies.push(performance.now() - before)
      assert.include([202, 429], status)
      if (status === 429) {
        refused.add(shardOf(topic) ?? -1)
        assert.isNotNull(headers.get("retry-after"))
      }
    }
    return { refused: [...refused], p99: calmP99(latencies) }
  })

describe("a hot shard", () => {
  it.live("F17: sheds alone; the others take everything, and it takes again once drained", () =>
    Effect.gen(function*() {
      const service = yield* start(yield* temporaryFolder, {
        ENABLE_DATABASE: "0", // Every unsettled message counts against its shard.
        MESSAGE_BUS_MAX_QUEUE_SIZE: String(slots)
      })
      yield* call(`${service.url}/v1/subscriptions/load`, "PUT", { topic: "load.>" })
      const others = topics(isLong ? 1_000 : 100, false)
      const hots = topics(5_000, true)
      yield* publishAll(service, others)
      yield* drain(service.url, "load", 0)
      const calm = yield* publishAll(service, others)
      assert.deepStrictEqual(calm.refused, [])
      const items = hots.map((topic) => ({ topic, payload: 1 }))
      const { body, status } = yield* call(`${service.url}/v1/messages`, "POST", items)
      assert.strictEqual(status, 207)
      const taken = body.results.filter(({ id }) => id !== undefined).length
      assert.isAtMost(taken, slots)
      assert.isAtLeast(taken, slots / 2)
      assert.deepStrictEqual((yield* publishAll(service, hots.slice(0, 20))).refused, [hot])
      const beside = yield* publishAll(service, others)
      assert.deepStrictEqual(beside.refused, [])
      say("F17", { taken, calm: calm.p99, beside: beside.p99 })
      if (isLong) assert.isAtMost(beside.p99, 1.5 * calm.p99 + 5)
      yield* drain(service.url, "load", 0)
      assert.deepStrictEqual((yield* publishAll(service, hots.slice(0, 20))).refused, [])
      yield* drain(service.url, "load", 0)
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))

  it("F17: keys that look like numbers spread as evenly as any", () => {
    const counts = new Map(shards.map((shard) => [shard, 0]))
    const keys = Array.from({ length: 100_000 }, (_, n) => orderText("orders", String(n)))
    const before = performance.now()
    for (const text of keys) {
      const shard = Ring.owner(ring, hash32(text)) ?? -1
      counts.set(shard, (counts.get(shard) ?? 0) + 1)
    }
    const micros = (performance.now() - before) * 1_000 / keys.length
    say("F17, routing", { micros, counts: [...counts.values()] })
    assert.isAtMost(Math.max(...counts.values()), 1.25 * keys.length / shards.length)
    if (isLong) assert.isAtMost(micros, 5)
  })
})
