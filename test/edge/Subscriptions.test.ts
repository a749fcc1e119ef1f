import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Served, served } from "./Served.ts"

const put = ({ ask }: Served, name: string, options: object) =>
  ask(`/v1/subscriptions/${name}`, { method: "PUT", body: JSON.stringify(options) })

describe("subscriptions over HTTP", () => {
  it.live("are created with the defaults filled in, and shown with their counters", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const created = yield* put(edge, "billing", { topic: "orders.>" })
      assert.strictEqual(created.status, 201)
      const expected = {
        name: "billing",
        topic: "orders.>",
        ordering: "key",
        maxAttempts: 4,
        ackTimeoutMs: 30_000,
        from: "now",
        mode: "compete",
        pending: 3,
        parked: 0,
        inFlight: 1,
        acked: 4,
        deadLettered: 2,
        deadLetters: 2
      }
      assert.deepStrictEqual(created.json, expected)
      assert.deepStrictEqual((yield* edge.ask("/v1/subscriptions/billing")).json, expected)
      const list = yield* edge.ask("/v1/subscriptions")
      assert.deepStrictEqual(list.json, { subscriptions: [expected] })
    }))

  it.live("are 200 when the same or only limits change, 409 otherwise", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const options = { topic: "a", ordering: "topic", from: "earliest", mode: "compete" }
      assert.strictEqual((yield* put(edge, "s", options)).status, 201)
      assert.strictEqual((yield* put(edge, "s", options)).status, 200)
      const changed = yield* put(edge, "s", { ...options, maxAttempts: 1, ackTimeoutMs: 1_000 })
      assert.strictEqual(changed.status, 200)
      assert.strictEqual(changed.json.ackTimeoutMs, 1_000)
      const conflict = yield* put(edge, "s", { ...options, topic: "b" })
      assert.strictEqual(conflict.status, 409)
      assert.strictEqual(conflict.json.type, "/problems/subscription-conflict")
    }))

  it.live("are deleted once, then unknown", () =>
    Effect.gen(function*() {
      const edge = yield* served
      yield* put(edge, "s", { topic: "a" })
      const remove = edge.ask("/v1/subscriptions/s", { method: "DELETE" })
      const removed = yield* remove
      assert.strictEqual(removed.status, 204)
      assert.strictEqual(removed.text, "")
      assert.strictEqual((yield* remove).status, 404)
      assert.strictEqual((yield* edge.ask("/v1/subscriptions/s")).status, 404)
    }))

  it.live("are refused by field, also names", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const cases: ReadonlyArray<readonly [options: object, field: string]> = [
        [{}, "topic"],
        [{ topic: "a.>.b" }, "topic"],
        [{ topic: 1 }, "topic"],
        [{ topic: "a", maxAttempts: 0 }, "maxAttempts"],
        [{ topic: "a", ackTimeoutMs: 999 }, "ackTimeoutMs"],
        [{ topic: "a", ackTimeoutMs: 3_600_001 }, "ackTimeoutMs"],
        [{ topic: "a", ordering: "none " }, "ordering"],
        [{ topic: "a", from: "then" }, "from"],
        [{ topic: "a", mode: "x" }, "mode"],
        [{ topic: "a", maxAgeMs: 0 }, "maxAgeMs"],
        [{ topic: "a", filter: {} }, "filter"],
        [{ topic: "a", filter: { "payload.n": { above: 1 } } }, "filter.payload.n.above"],
        [{ topic: "a", filter: { body: { eq: 1 } } }, "filter.body"],
        [{ topic: "a", colour: "red" }, "colour"]
      ]
      for (const [options, field] of cases) {
        const answer = yield* put(edge, "s", options)
        assert.strictEqual(answer.status, 400, JSON.stringify(options))
        assert.strictEqual(answer.json.errors[0].field, field)
      }
      const name = yield* put(edge, "s..t", { topic: "a" })
      assert.strictEqual(name.json.errors[0].field, "name")
      assert.strictEqual((yield* put(edge, "one.too.many", { topic: "a" })).status, 409)
      assert.strictEqual(edge.fake.subscriptions.size, 0)
    }))
})

describe("subscriptions with a filter, an age and a mode", () => {
  it.live("are shown as they were asked for", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const asked = {
        topic: "a",
        mode: "broadcast",
        maxAgeMs: 60_000,
        filter: { "payload.amount": { gte: 5 }, "headers.x": { in: ["a", null] } }
      }
      assert.strictEqual((yield* put(edge, "s", asked)).status, 201)
      const { json } = yield* edge.ask("/v1/subscriptions/s")
      assert.deepInclude(json, asked)
      assert.strictEqual((yield* put(edge, "s", asked)).status, 200)
    }))
})

describe("pulling over HTTP", () => {
  const post = ({ ask }: Served, path: string, body: object) =>
    ask(`/v1/subscriptions/s/${path}`, { body: JSON.stringify(body) })

  it.live("hands out deliveries with their lease and the message as it was published", () =>
    Effect.gen(function*() {
      const edge = yield* served
      yield* put(edge, "s", { topic: "orders" })
      yield* edge.publish("{\"payload\":[1.0 , 1e400],\"key\":\"k\",\"headers\":{\"a\" : \"b\"}}")
      const answer = yield* post(edge, "pull", { max: 5, waitMs: 0 })
      assert.strictEqual(answer.status, 200)
      assert.include(answer.text, "\"payload\":[1.0 , 1e400],")
      assert.include(answer.text, "\"headers\":{\"a\" : \"b\"},")
      const { payload: _, ...message } = answer.json.deliveries[0].message
      assert.deepStrictEqual({ ...answer.json.deliveries[0], message }, {
        ackId: "ack-0",
        attempt: 1,
        leaseExpiresAt: "2023-11-14T22:13:50.000Z",
        message: {
          id: edge.fake.stored[0]?.id,
          topic: "orders",
          key: "k",
          priority: 0,
          headers: { a: "b" },
          contentType: null,
          traceparent: null,
          publishedAt: "2023-11-14T22:13:20.000Z"
        }
      })
    }))

  it.live("settles by ack ids; unknown ones are listed, not refused", () =>
    Effect.gen(function*() {
      const edge = yield* served
      yield* put(edge, "s", { topic: "orders", ackTimeoutMs: 5_000 })
      const ackIds = ["ack-0", "\ud83d\ude00", "stale"]
      const acked = yield* post(edge, "ack", { ackIds })
      assert.strictEqual(acked.status, 200)
      assert.deepStrictEqual(acked.json, { done: 1, unknown: ["\ud83d\ude00", "stale"] })
      yield* post(edge, "nack", { ackIds, delayMs: 70 })
      yield* post(edge, "nack", { ackIds })
      yield* post(edge, "extend", { ackIds, byMs: 2_000 })
      yield* post(edge, "extend", { ackIds })
      const settled = edge.fake.settled.map(([kind, , ms]) => [kind, ms])
      const extended = [["extend", 2_000], ["extend", 5_000]]
      assert.deepStrictEqual(settled, [["ack", 0], ["nack", 70], ["nack", 0], ...extended])
    }))

  it.live("takes 10,000 ack ids and refuses one more, and what is no list of texts", () =>
    Effect.gen(function*() {
      const edge = yield* served
      yield* put(edge, "s", { topic: "orders" })
      const ids = Array.from({ length: 10_000 }, (_, index) => `ack-${index}`)
      assert.strictEqual((yield* post(edge, "ack", { ackIds: ids })).json.done, 10_000)
      for (const ackIds of [[...ids, "x"], "x", [1], [null], {}]) {
        const answer = yield* post(edge, "ack", { ackIds })
        assert.strictEqual(answer.status, 400)
        assert.match(answer.json.errors[0].field, /^ackIds(\.0)?$/)
      }
      assert.lengthOf(edge.fake.settled, 1)
    }))

  it.live("refuses what is out of range, and unknown subscriptions with 404", () =>
    Effect.gen(function*() {
      const edge = yield* served
      for (const path of ["pull", "ack", "nack", "extend"]) {
        const answer = yield* post(edge, path, path === "pull" ? {} : { ackIds: [] })
        assert.strictEqual(answer.status, 404, path)
        assert.strictEqual(answer.json.type, "/problems/subscription-unknown")
      }
      yield* put(edge, "s", { topic: "orders" })
      const cases: ReadonlyArray<readonly [path: string, body: object]> = [
        ["pull", { max: 0 }],
        ["pull", { max: 5_001 }],
        ["pull", { waitMs: 30_001 }],
        ["pull", { waitMs: -1 }],
        ["pull", { wait: 1 }],
        ["ack", {}],
        ["ack", { ackIds: [], delayMs: 1 }],
        ["nack", { ackIds: [], delayMs: 3_600_001 }],
        ["extend", { ackIds: [], byMs: 999 }]
      ]
      for (const [path, body] of cases) {
        assert.strictEqual((yield* post(edge, path, body)).status, 400, JSON.stringify(body))
      }
      yield* put(edge, "handled", { topic: "orders" })
      const handled = yield* edge.ask("/v1/subscriptions/handled/pull", { body: "{}" })
      assert.strictEqual(handled.json.type, "/problems/subscription-handled")
    }))
})
