import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { AgentsSnapshot } from "../../src/services/Agents.ts"
import { ask as askAny } from "./Client.ts"
import { served, servedBehind } from "./Served.ts"

describe("the state of the bus over HTTP", () => {
  it.live("shows a message by its id, and 404 for one it does not hold", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const { json } = yield* edge.publish("{\"payload\": 1.0}")
      const found = yield* edge.ask(`/v1/messages/${json.id}`)
      assert.strictEqual(found.status, 200)
      assert.include(found.text, "\"payload\":1.0,")
      assert.strictEqual(found.json.shard, 1)
      assert.deepStrictEqual(found.json.deliveries, [])
      const unknown = yield* edge.ask("/v1/messages/nothing")
      assert.strictEqual(unknown.status, 404)
      assert.strictEqual(unknown.json.type, "/problems/message-unknown")
    }))

  it.live("tells name, version, profile, durability, runtime, limits and uptime", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const { limits, runtime, startedAt, uptimeMs, ...rest } = (yield* ask("/v1/info")).json
      assert.deepStrictEqual(rest, {
        name: "codefactory",
        version: "0.1.0",
        profile: "memory",
        durability: "memory",
        agents: { loading: [], loaded: [], failed: [] }
      })
      assert.strictEqual(limits.payloadBytesMax, 1_048_576)
      assert.match(runtime, /^(node|deno) \d+\./)
      assert.match(startedAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
      assert.isAtLeast(uptimeMs, 0)
    }))

  it.live("behaviour 77: readiness is 503 once the bus closes, while liveness stays 200", () =>
    Effect.gen(function*() {
      const { ask, fake } = yield* served
      const ready = yield* ask("/readyz")
      assert.deepStrictEqual([ready.status, ready.json], [200, { status: "ok", degraded: [] }])
      fake.degraded = ["one worker is away"]
      const degraded = yield* ask("/readyz")
      assert.strictEqual(degraded.status, 200)
      assert.deepStrictEqual(degraded.json, {
        status: "degraded",
        degraded: ["one worker is away"]
      })
      fake.state = "Closing"
      const closing = yield* ask("/readyz")
      assert.strictEqual(closing.status, 503)
      assert.strictEqual(closing.json.status, "closing")
      assert.strictEqual((yield* ask("/livez")).status, 200)
      assert.strictEqual((yield* ask("/startupz")).status, 200)
    }))
})

describe("agents over HTTP", () => {
  const loaded = [{ agent: "receipts.ts", subscriptions: ["receipts"] }]
  const failed = [{ agent: "broken.ts", reason: "Unexpected end of input" }]
  const agents = { loading: ["slow.ts"], loaded, failed }

  it.live("start-up and readiness are 503 while they are loaded, liveness is not", () =>
    Effect.gen(function*() {
      const snapshot: AgentsSnapshot = { state: "Starting", ...agents }
      const { ask } = yield* servedBehind({
        agents: { load: Effect.void, snapshot: () => snapshot }
      })
      const starting = yield* ask("/startupz")
      assert.strictEqual(starting.status, 503)
      assert.deepStrictEqual(starting.json, { status: "starting", agents })
      const ready = yield* ask("/readyz")
      assert.deepStrictEqual([ready.status, ready.json.status], [503, "starting"])
      assert.strictEqual((yield* ask("/livez")).status, 200)
    }))

  it.live("one that failed is named with its reason, and degrades readiness", () =>
    Effect.gen(function*() {
      const snapshot: AgentsSnapshot = { state: "Started", ...agents, loading: [] }
      const { ask, metricsUrl } = yield* servedBehind({
        agents: { load: Effect.void, snapshot: () => snapshot }
      })
      const shown = { ...agents, loading: [] }
      const started = yield* ask("/startupz")
      assert.strictEqual(started.status, 200)
      assert.deepStrictEqual(started.json, { status: "ok", agents: shown })
      assert.deepStrictEqual((yield* ask("/v1/info")).json.agents, shown)
      const ready = yield* ask("/readyz")
      assert.deepStrictEqual([ready.status, ready.json], [200, {
        status: "degraded",
        degraded: ["agent broken.ts: Unexpected end of input"]
      }])
      const { text } = yield* askAny(`${metricsUrl}/metrics`)
      assert.include(text, "message_bus_agents{state=\"failed\"} 1\n")
      assert.include(text, "message_bus_agents_limit 256\n")
    }))
})

describe("routes", () => {
  it.live("that do not exist, or not yet, are 404 with a problem document", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const later = ["/v1/ws"]
      for (
        const path of ["/", "//", "/v1", "/v1/info/", "/v1//info", "/v1/topics//messages", ...later]
      ) {
        const answer = yield* ask(path)
        assert.strictEqual(answer.status, 404, path)
        assert.strictEqual(answer.headers["content-type"], "application/problem+json")
        assert.strictEqual(answer.json.type, "/problems/not-found")
      }
    }))

  it.live("with another method are 405 and name the ones they have", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const cases: ReadonlyArray<readonly [method: string, path: string, allow: string]> = [
        ["GET", "/v1/topics/a/messages", "POST"],
        ["POST", "/v1/info", "GET, HEAD"],
        ["PATCH", "/v1/subscriptions/s", "PUT, GET, HEAD, DELETE"],
        ["OPTIONS", "/v1/messages", "POST"]
      ]
      for (const [method, path, allow] of cases) {
        const answer = yield* ask(path, { method })
        assert.strictEqual(answer.status, 405, path)
        assert.strictEqual(answer.headers["allow"], allow)
        assert.strictEqual(answer.json.type, "/problems/method-not-allowed")
      }
    }))

  it.live("answer HEAD as GET without the body", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const answer = yield* ask("/livez", { method: "HEAD" })
      assert.deepStrictEqual([answer.status, answer.text], [200, ""])
      assert.strictEqual(answer.headers["content-length"], "15")
    }))
})

describe("capacity over HTTP", () => {
  it.live("plans by what was measured and given, and refuses what no pod has", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const { json, status } = yield* ask("/v1/capacity?peakPerSecond=1000&processingMs=100")
      assert.strictEqual(status, 200)
      assert.includeMembers(json.measured, ["shards", "workers"])
      assert.deepInclude(json.inputs, { shards: 2, workers: 5, processingMs: 100, margin: 1.5 })
      assert.strictEqual(json.perSecond, 100)
      assert.strictEqual(json.pods, 15)
      for (const query of ["margin=0.5", "shards=x", "peak=1", "processingMs=0"]) {
        assert.strictEqual((yield* ask(`/v1/capacity?${query}`)).status, 400, query)
      }
    }))
})
