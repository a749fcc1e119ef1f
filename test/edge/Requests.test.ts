import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { bearer, keyOf } from "./Keys.ts"
import { served, servedBehind } from "./Served.ts"

const path = (topic: string) => `/v1/topics/${topic}/requests`

describe("requests over HTTP", () => {
  it.live("answer 200 with the reply, byte for byte", () =>
    Effect.gen(function*() {
      const { ask, fake } = yield* served
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      const answer = yield* ask(path("math.add"), {
        headers: { traceparent },
        body: `{"payload": [1.0, 12345678901234567890], "timeoutMs": 250, "key": "k",` +
          ` "priority": 7, "headers": {"a": "b"}}`
      })
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(
        answer.text,
        `{"payload":[1.0, 12345678901234567890],"headers":{"a": "b"},"contentType":null}`
      )
      const [[draft, timeoutMs] = assert.fail("nothing was asked")] = fake.requests
      assert.strictEqual(timeoutMs, 250)
      assert.deepStrictEqual(
        [draft.topic, draft.key, draft.priority, draft.traceparent, draft.expiresAt],
        ["math.add", "k", 7, traceparent, undefined]
      )
    }))

  it.live("wait five seconds unless told otherwise", () =>
    Effect.gen(function*() {
      const { ask, fake } = yield* served
      yield* ask(path("t"), { body: `{"payload":null}` })
      assert.deepStrictEqual(fake.requests.map(([, timeoutMs]) => timeoutMs), [5_000])
    }))

  it.live("are 504 without a reply and 503 with too many waiting (behaviour 47)", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const late = yield* ask(path("refuse.timeout"), { body: `{"payload":1,"timeoutMs":20}` })
      assert.strictEqual(late.status, 504)
      assert.strictEqual(late.headers["content-type"], "application/problem+json")
      assert.strictEqual(late.json.type, "/problems/request-timeout")
      assert.deepStrictEqual([late.json.topic, late.json.timeoutMs], ["refuse.timeout", 20])
      const full = yield* ask(path("refuse.waiting"), { body: `{"payload":1}` })
      assert.deepStrictEqual([full.status, full.json.type, full.headers["retry-after"]], [
        503,
        "/problems/request-limit",
        "1"
      ])
    }))

  const wrong: ReadonlyArray<readonly [string, string]> = [
    [`{"payload":1,"timeoutMs":0}`, "timeoutMs"],
    [`{"payload":1,"timeoutMs":60001}`, "timeoutMs"],
    [`{"payload":1,"timeoutMs":1.5}`, "timeoutMs"],
    [`{"payload":1,"timeoutMs":"5"}`, "timeoutMs"],
    [`{"payload":1,"timeoutMs":null}`, "timeoutMs"],
    [`{"timeoutMs":5}`, "payload"],
    [`{"payload":1,"idempotencyKey":"i"}`, "idempotencyKey"],
    [`{"payload":1,"expiresAt":"2030-01-01T00:00:00Z"}`, "expiresAt"],
    [`{"payload":1,"deliverAt":"2030-01-01T00:00:00Z"}`, "deliverAt"],
    [`{"payload":1,"priority":10}`, "priority"],
    [`{"payload":1,"bogus":1}`, "bogus"]
  ]
  it.live.each(wrong)(
    "refuse %s by the name of %s, and ask nobody",
    ([body, field]) =>
      Effect.gen(function*() {
        const { ask, fake } = yield* served
        const answer = yield* ask(path("t"), { body })
        assert.strictEqual(answer.status, 400, answer.text)
        assert.strictEqual(answer.json.errors[0].field, field)
        assert.isEmpty(fake.requests)
      })
  )

  it.live("may be answered by any key that may publish, and be made by one that reaches them", () =>
    Effect.gen(function*() {
      const keys = [keyOf("shop", ["publish"], ["orders.>"]), keyOf("eye", ["consume"], [">"])]
      const { ask, fake } = yield* servedBehind({ keys })
      const body = `{"payload":1}`
      const post = (id: string, at: string) =>
        Effect.map(ask(at, { body, headers: bearer(id) }), ({ status }) => status)
      assert.strictEqual(yield* post("shop", "/v1/topics/_reply.pod.id/messages"), 202)
      assert.strictEqual(yield* post("shop", "/v1/topics/_reply.pod/messages"), 403)
      assert.strictEqual(yield* post("eye", "/v1/topics/_reply.pod.id/messages"), 403)
      assert.strictEqual(yield* post("shop", path("orders.new")), 200)
      assert.strictEqual(yield* post("shop", path("else.where")), 403)
      assert.strictEqual(yield* post("eye", path("orders.new")), 403)
      assert.strictEqual(fake.requests.length, 1)
    }))

  it.live("of a hook that refuses are 422 by its name (behaviour 40)", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const answer = yield* ask("/v1/topics/refuse.hook/messages", { body: `{"payload":1}` })
      assert.deepStrictEqual([answer.status, answer.json.type, answer.json.hook], [
        422,
        "/problems/hook-refused",
        "audit"
      ])
    }))
})
