import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import * as Bus from "../../src/layers/bus/Bus.ts"
import * as MemoryLog from "../../src/layers/log/MemoryLog.ts"
import { EdgeAddress } from "../../src/services/EdgeAddress.ts"
import { ask, type Asked, rawly } from "./Client.ts"
import { malformed } from "./Malformed.ts"
import { openEdge } from "./OpenDoors.ts"

/** The edge over the bus itself, in memory. */
const started = Effect.gen(function*() {
  const context = yield* Layer.build(
    openEdge().pipe(
      Layer.provide(Bus.layer({ ...Bus.optionsDefault, drainMs: 0 })),
      Layer.provide(MemoryLog.layer)
    )
  )
  const address = yield* Effect.provide(EdgeAddress, context)
  return {
    ...address,
    call: (path: string, asked?: Asked) => ask(`${address.url}/v1${path}`, asked),
    post: (path: string, body: unknown) =>
      ask(`${address.url}/v1${path}`, { body: JSON.stringify(body) })
  }
})

describe("a message over HTTP", () => {
  it.live("is published, pulled byte for byte, acknowledged, and counted", () =>
    Effect.gen(function*() {
      const { call, metricsUrl, post } = yield* started
      const topic = { topic: "orders.>" }
      yield* call("/subscriptions/s", { method: "PUT", body: JSON.stringify(topic) })
      const payload = "{\"n\": 1.0, \"big\":12345678901234567890, \"__proto__\":[1e400]}"
      const published = yield* call("/topics/orders.eu/messages", {
        body: `{"payload":${payload},"key":"__proto__","headers":{"__proto__":"x"}}`
      })
      assert.strictEqual(published.status, 202)
      const pulled = yield* post("/subscriptions/s/pull", { max: 10, waitMs: 5_000 })
      const [delivery] = pulled.json.deliveries
      assert.include(pulled.text, `"payload":${payload},"key":"__proto__"`)
      assert.include(pulled.text, "\"headers\":{\"__proto__\":\"x\"}")
      assert.strictEqual(delivery.message.id, published.json.id)
      assert.strictEqual(delivery.attempt, 1)
      const { ackId } = delivery
      const acked = yield* post("/subscriptions/s/ack", { ackIds: [ackId, "stale"] })
      assert.deepStrictEqual(acked.json, { done: 1, unknown: ["stale"] })
      const again = yield* post("/subscriptions/s/ack", { ackIds: [ackId] })
      assert.deepStrictEqual(again.json, { done: 0, unknown: [ackId] })
      const subscription = yield* call("/subscriptions/s")
      assert.strictEqual(subscription.json.acked, 1)
      assert.strictEqual(subscription.json.pending, 0)
      const metrics = (yield* ask(`${metricsUrl}/metrics`)).text.split("\n")
      assert.include(metrics, "message_bus_topic_throughput{topic=\"orders.eu\"} 1")
      assert.include(metrics, "message_bus_subscription_acked_total{subscription=\"s\"} 1")
    }))

  it.live("that is a request gets the reply of whoever pulls it (behaviours 46 and 48)", () =>
    Effect.gen(function*() {
      const { call, post } = yield* started
      const topic = { topic: "math.*" }
      yield* call("/subscriptions/adder", { method: "PUT", body: JSON.stringify(topic) })
      const asked = yield* Effect.forkChild(post("/topics/math.add/requests", {
        payload: { a: 5, b: 3 },
        timeoutMs: 30_000
      }))
      const pulled = yield* post("/subscriptions/adder/pull", { max: 1, waitMs: 10_000 })
      const [{ ackId, message }] = pulled.json.deliveries
      const replyTo = `/topics/${message.headers["reply-to"]}/messages`
      const { a, b } = message.payload
      const replied = yield* post(replyTo, { payload: { result: a + b }, headers: { x: "y" } })
      assert.deepStrictEqual([replied.status, replied.json.durability], [202, "memory"])
      const answer = yield* Fiber.join(asked)
      assert.strictEqual(answer.status, 200)
      assert.deepStrictEqual(answer.json, {
        payload: { result: 8 },
        headers: { x: "y" },
        contentType: null
      })
      assert.strictEqual((yield* post(replyTo, { payload: 9 })).status, 202, "second: ignored")
      yield* post("/subscriptions/adder/ack", { ackIds: [ackId] })
      const late = yield* post("/topics/math.add/requests", { payload: 1, timeoutMs: 1 })
      assert.deepStrictEqual([late.status, late.json.type], [504, "/problems/request-timeout"])
      assert.strictEqual(
        (yield* post("/topics/message_bus.x/messages", { payload: 1 })).status,
        403
      )
    }))

  it.live("that fails for good is a dead letter: shown, edited, replayed and pulled again", () =>
    Effect.gen(function*() {
      const { call, post } = yield* started
      const options = JSON.stringify({ topic: "a", maxAttempts: 1 })
      yield* call("/subscriptions/s", { method: "PUT", body: options })
      const { json } = yield* post("/topics/a/messages", { payload: 1 })
      const first = yield* post("/subscriptions/s/pull", { waitMs: 5_000 })
      yield* post("/subscriptions/s/nack", { ackIds: [first.json.deliveries[0].ackId] })
      const [letter] = (yield* call("/dead-letters")).json.deadLetters
      assert.strictEqual(letter.message.id, json.id)
      const path = `/dead-letters/${letter.id}`
      const edited = yield* call(path, { method: "PATCH", body: "{\"payload\":2.50}" })
      assert.strictEqual(edited.status, 200)
      const dry = yield* post("/dead-letters/replay", { subscription: "s", dryRun: true })
      assert.strictEqual(dry.json.replayed, 1)
      const replayed = yield* post("/dead-letters/replay", { subscription: "s" })
      assert.deepStrictEqual(replayed.json, { replayed: 1, failed: 0, remaining: 0 })
      const second = yield* post("/subscriptions/s/pull", { waitMs: 5_000 })
      assert.include(second.text, "\"payload\":2.50,")
      assert.strictEqual(second.json.deliveries[0].message.replayOf, json.id)
      assert.strictEqual((yield* call(path)).status, 404)
    }))

  it.live("behaviour 21: under one idempotency key is accepted once, another body is 422", () =>
    Effect.gen(function*() {
      const { post } = yield* started
      const publish = (payload: number) =>
        post("/topics/a/messages", { payload, idempotencyKey: "k" })
      const first = yield* publish(1)
      const second = yield* publish(1)
      assert.strictEqual(second.status, 202)
      assert.deepStrictEqual(second.json, { ...first.json, duplicate: true })
      const other = yield* publish(2)
      assert.strictEqual(other.status, 422)
      assert.strictEqual(other.json.firstId, first.json.id)
    }))

  it.live("that is malformed leaves no trace in the bus", () =>
    Effect.gen(function*() {
      const { call, metricsUrl, port } = yield* started
      yield* Effect.forEach(malformed(7, 500), ({ bytes, halfClose }) =>
        Effect.map(rawly(port, bytes, { halfClose }), (answer) => {
          assert.match(answer, /^HTTP\/1\.1 4\d\d /, Buffer.from(bytes).toString("latin1"))
        }), { concurrency: 16, discard: true })
      const { text } = yield* ask(`${metricsUrl}/metrics`)
      assert.include(text.split("\n"), "message_bus_published_total 0")
      assert.deepStrictEqual((yield* call("/subscriptions")).json, { subscriptions: [] })
    }))
})
