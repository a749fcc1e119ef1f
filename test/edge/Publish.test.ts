import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { served } from "./Served.ts"

const payloads = [
  "null",
  "1.0",
  "1e400",
  "12345678901234567890",
  "-0",
  "\"\"",
  "\"\\u0041\\n\\\"}]{[,\"",
  "\"\\ud83d\\ude00\"",
  "\"caf\u00e9 cafe\u0301 \ud83d\ude00 \u202e\"",
  "[ 1,\t2 ,\r\n 3 ]",
  "{\"a\" : 1, \"a\":2, \"__proto__\":{\"polluted\":true}, \"constructor\": null}",
  "{\"payload\":{\"payload\":\"}\"},\"x\":\"\\\\\"}",
  `${"[".repeat(128)}${"]".repeat(128)}`
]

describe("publishing one message over HTTP", () => {
  it.live("answers 202 with id, topic, shard, durability and duplicate", () =>
    Effect.gen(function*() {
      const { fake, publish } = yield* served
      const answer = yield* publish("{\"payload\":{\"a\":1}}")
      assert.strictEqual(answer.status, 202)
      assert.strictEqual(answer.headers["content-type"], "application/json")
      const id = fake.stored[0]?.id
      const expected = { id, topic: "orders", shard: 1, durability: "memory", duplicate: false }
      assert.deepStrictEqual(answer.json, expected)
    }))

  it.live("keeps the payload's text byte for byte, whatever its numbers, escapes and spaces", () =>
    Effect.gen(function*() {
      const { fake, publish } = yield* served
      for (const payload of payloads) {
        const body = ` {"key" : "k", "payload" : ${payload} ,"priority":1 } `
        assert.strictEqual((yield* publish(body)).status, 202, body)
      }
      assert.deepStrictEqual(fake.stored.map(({ payload }) => payload), payloads)
    }))

  it.live("takes every field of a message", () =>
    Effect.gen(function*() {
      const { fake, publish } = yield* served
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      const headers = "{ \"__proto__\" : \"x\", \"n\":\"\\u00e9\" }"
      const answer = yield* publish(
        `{"payload":1,"key":"__proto__","priority":9,"idempotencyKey":"i\\u0031",` +
          `"headers":${headers},"contentType":"text/x; a=b","traceparent":"${traceparent}",` +
          `"deliverAt":"2030-01-01T00:00:00Z","expiresAt":"2030-01-31T12:00:00.5+02:00"}`
      )
      assert.strictEqual(answer.status, 202, answer.text)
      const { id: _, ...stored } = fake.stored[0] ?? assert.fail("nothing stored")
      assert.deepStrictEqual(
        { ...stored },
        {
          topic: "orders",
          payload: "1",
          priority: 9,
          key: "__proto__",
          idempotencyKey: "i1",
          headers,
          contentType: "text/x; a=b",
          traceparent,
          publishedAt: 1_700_000_000_000,
          expiresAt: Date.UTC(2030, 0, 31, 10, 0, 0, 500),
          context: undefined,
          deliverAt: Date.UTC(2030, 0, 1),
          replayOf: undefined
        } as typeof stored
      )
    }))

  it.live("takes idempotency key and trace context from the request's headers too", () =>
    Effect.gen(function*() {
      const { fake, publish } = yield* served
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      const headers = { "Idempotency-Key": "h", traceparent }
      assert.strictEqual((yield* publish("{\"payload\":1}", headers)).status, 202)
      const same = yield* publish("{\"payload\":1,\"idempotencyKey\":\"h\"}", headers)
      assert.strictEqual(same.status, 202)
      const other = yield* publish("{\"payload\":1,\"idempotencyKey\":\"g\"}", headers)
      assert.strictEqual(other.status, 400)
      assert.strictEqual(other.json.errors[0].field, "idempotencyKey")
      const malformed = yield* publish("{\"payload\":1}", { traceparent: "00-zz" })
      assert.strictEqual(malformed.json.errors[0].field, "traceparent")
      assert.deepStrictEqual(fake.stored.map((stored) => stored.idempotencyKey), ["h", "h"])
      assert.strictEqual(fake.stored[0]?.traceparent, traceparent)
    }))
})

const refused: ReadonlyArray<readonly [body: string, field: string]> = [
  ["{}", "payload"],
  ["{\"payload\":1,\"priorty\":1}", "priorty"],
  ["{\"payload\":1,\"__proto__\":{}}", "__proto__"],
  ["{\"payload\":1,\"topic\":\"orders\"}", "topic"],
  ["{\"payload\":1,\"payload\":2}", "payload"],
  ["{\"payload\":1,\"p\\u0061yload\":2}", "payload"],
  ["{\"payload\":\"\\ud800\"}", "payload"],
  ["{\"payload\":[\"\\udc00\\ud800\"]}", "payload"],
  ["{\"payload\":{\"\\ud800x\":1}}", "payload"],
  ["{\"payload\":1,\"key\":\"\"}", "key"],
  ["{\"payload\":1,\"key\":1}", "key"],
  ["{\"payload\":1,\"key\":null}", "key"],
  ["{\"payload\":1,\"key\":\"\\ud800\"}", "key"],
  [`{"payload":1,"key":"${"k".repeat(1_025)}"}`, "key"],
  ["{\"payload\":1,\"idempotencyKey\":\"\"}", "idempotencyKey"],
  ["{\"payload\":1,\"priority\":10}", "priority"],
  ["{\"payload\":1,\"priority\":-1}", "priority"],
  ["{\"payload\":1,\"priority\":1.5}", "priority"],
  ["{\"payload\":1,\"priority\":\"1\"}", "priority"],
  ["{\"payload\":1,\"headers\":[]}", "headers"],
  ["{\"payload\":1,\"headers\":{\"a\":1}}", "headers"],
  ["{\"payload\":1,\"headers\":{\"a\":\"1\",\"a\":\"2\"}}", "headers"],
  ["{\"payload\":1,\"headers\":{\"a\":\"\\ud800\"}}", "headers"],
  ["{\"payload\":1,\"contentType\":\"\"}", "contentType"],
  ["{\"payload\":1,\"contentType\":\"a\\r\\nb: c\"}", "contentType"],
  [
    "{\"payload\":1,\"traceparent\":\"00-" + "0".repeat(32) + "-b7ad6b7169203331-01\"}",
    "traceparent"
  ],
  ["{\"payload\":1,\"expiresAt\":\"tomorrow\"}", "expiresAt"],
  ["{\"payload\":1,\"expiresAt\":\"2030-02-30T00:00:00Z\"}", "expiresAt"],
  ["{\"payload\":1,\"expiresAt\":\"2030-01-01T00:00:00\"}", "expiresAt"],
  ["{\"payload\":1,\"expiresAt\":1700000000000}", "expiresAt"]
]

describe("a message that is refused", () => {
  it.live("is answered 400 with the field and a reason, and nothing is stored", () =>
    Effect.gen(function*() {
      const { fake, publish } = yield* served
      for (const [body, field] of refused) {
        const answer = yield* publish(body)
        assert.strictEqual(answer.status, 400, body)
        assert.strictEqual(answer.headers["content-type"], "application/problem+json")
        assert.strictEqual(answer.json.type, "/problems/fields-invalid")
        assert.strictEqual(answer.json.errors[0].field, field, body)
        assert.isNotEmpty(answer.json.errors[0].reason)
      }
      assert.deepStrictEqual(fake.stored, [])
      assert.isUndefined(Reflect.get({}, "polluted"))
    }))

  it.live("names all its bad fields at once, ten at most", () =>
    Effect.gen(function*() {
      const { publish } = yield* served
      const two = yield* publish("{\"priority\":11,\"x\":1}")
      const fields = two.json.errors.map((error: { field: string }) => error.field)
      assert.deepStrictEqual(fields, ["payload", "priority", "x"])
      const many = Array.from({ length: 5_000 }, (_, index) => `"x${index}":0`).join(",")
      assert.lengthOf((yield* publish(`{${many}}`)).json.errors, 10)
    }))

  it.live("behaviour 35: that is no JSON object is answered 400 with the parser's reason", () =>
    Effect.gen(function*() {
      const { fake, publish } = yield* served
      const bodies = [
        "",
        " ",
        "[]",
        "1",
        "{",
        "{\"payload\":}",
        "{\"payload\":1}}",
        "{\"payload\":01}"
      ]
      for (
        const body of [...bodies, "{\"payload\":1,}", "{'payload':1}", "\ufeff{\"payload\":1}"]
      ) {
        const answer = yield* publish(body)
        assert.strictEqual(answer.status, 400, body)
        assert.strictEqual(answer.json.type, "/problems/body-malformed", body)
      }
      assert.deepStrictEqual(fake.stored, [])
    }))

  it.live("that is not UTF-8 is answered 400", () =>
    Effect.gen(function*() {
      const { ask, fake } = yield* served
      const body = Buffer.from("{\"payload\":\"\u00ff\"}", "latin1")
      const answer = yield* ask("/v1/topics/orders/messages", { body })
      assert.strictEqual(answer.status, 400)
      assert.strictEqual(answer.json.detail, "not UTF-8")
      assert.deepStrictEqual(fake.stored, [])
    }))
})

describe("topics in the path", () => {
  it.live("pitfall 47: are percent-decoded, and refused when they are no topic or reserved", () =>
    Effect.gen(function*() {
      const { ask, fake } = yield* served
      const publish = (topic: string) =>
        ask(`/v1/topics/${topic}/messages`, { body: "{\"payload\":1}" })
      assert.strictEqual((yield* publish("a%2Eb")).status, 202)
      assert.strictEqual((yield* publish("__proto__")).status, 202)
      assert.deepStrictEqual(fake.stored.map(({ topic }) => String(topic)), ["a.b", "__proto__"])
      for (const topic of ["a..b", "a%2Fb", "%C3%A9", "a%00b", "a.*", "x".repeat(250)]) {
        const answer = yield* publish(topic)
        assert.strictEqual(answer.status, 400, topic)
        assert.strictEqual(answer.json.errors[0].field, "topic")
      }
      assert.strictEqual((yield* publish("%ff")).json.type, "/problems/path-malformed")
      for (const topic of ["message_bus.backpressure", "_reply.x", "message_bus"]) {
        const answer = yield* publish(topic)
        assert.strictEqual(answer.status, 403, topic)
        assert.strictEqual(answer.json.type, "/problems/topic-reserved")
      }
      assert.lengthOf(fake.stored, 2)
    }))
})
