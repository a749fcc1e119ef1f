import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Served, served } from "./Served.ts"

const publishTo = ({ ask }: Served, topic: string) =>
  ask(`/v1/topics/${topic}/messages`, { body: "{\"payload\":1,\"idempotencyKey\":\"i\"}" })

describe("problems", () => {
  it.live("give each error of the bus one status and type", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const cases: ReadonlyArray<readonly [topic: string, status: number, type: string]> = [
        ["refuse.closed", 503, "bus-closed"],
        ["refuse.full", 429, "shard-full"],
        ["refuse.backlog", 429, "backlog-full"],
        ["refuse.delayed", 429, "delayed-limit"],
        ["refuse.conflict", 422, "idempotency-conflict"],
        ["refuse.inflight", 409, "idempotency-in-flight"],
        ["refuse.keys", 503, "idempotency-unavailable"],
        ["refuse.log", 503, "log-unavailable"],
        ["refuse.invalid", 400, "message-invalid"]
      ]
      for (const [topic, status, type] of cases) {
        const answer = yield* publishTo(edge, topic)
        assert.strictEqual(answer.status, status, topic)
        assert.strictEqual(answer.headers["content-type"], "application/problem+json")
        const { detail, title } = answer.json
        assert.isNotEmpty(title)
        assert.isNotEmpty(detail)
        assert.strictEqual(answer.json.type, `/problems/${type}`)
        assert.strictEqual(answer.json.status, status)
      }
    }))

  it.live("behaviour 57: a full shard is 429 with Retry-After in whole seconds", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const full = yield* publishTo(edge, "refuse.full")
      assert.strictEqual(full.headers["retry-after"], "2")
      assert.deepStrictEqual([full.json.shard, full.json.retryAfterMs], [3, 1_200])
      for (const topic of ["refuse.closed", "refuse.log", "refuse.inflight"]) {
        assert.strictEqual((yield* publishTo(edge, topic)).headers["retry-after"], "1", topic)
      }
    }))

  it.live("show nothing of a defect, and the server goes on", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const defect = yield* publishTo(edge, "refuse.defect")
      assert.strictEqual(defect.status, 500)
      assert.strictEqual(defect.json.type, "/problems/internal")
      assert.notInclude(defect.text, "secret")
      assert.strictEqual((yield* publishTo(edge, "orders")).status, 202)
    }))

  it.live("refuse content types and encodings with 415", () =>
    Effect.gen(function*() {
      const { fake, publish } = yield* served
      const refused = ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"]
      const more = [
        "application/json; charset=latin1",
        "application/x-ndjson",
        "multipart/form-data"
      ]
      for (const type of [...refused, ...more]) {
        const answer = yield* publish("{\"payload\":1}", { "content-type": type })
        assert.strictEqual(answer.status, 415, type)
        assert.strictEqual(answer.json.type, "/problems/content-type-refused")
      }
      const gzip = yield* publish("{\"payload\":1}", { "content-encoding": "gzip" })
      assert.strictEqual(gzip.json.type, "/problems/content-encoding-refused")
      for (
        const type of ["application/json;charset=utf-8", "Application/JSON; charset=\"UTF-8\""]
      ) {
        assert.strictEqual(
          (yield* publish("{\"payload\":1}", { "content-type": type })).status,
          202
        )
      }
      assert.lengthOf(fake.stored, 2)
    }))

  it.live("repeat long and strange input in part only", () =>
    Effect.gen(function*() {
      const { ask, publish } = yield* served
      const path = yield* ask(`/${"x".repeat(5_000)}`)
      assert.isBelow(path.text.length, 300)
      const field = yield* publish(`{"payload":1,"${"y".repeat(100_000)}":1}`)
      assert.isBelow(field.text.length, 1_000)
      const control = yield* publish("{\"payload\":1,\"a\\nb\\u001b\":1}")
      assert.strictEqual(control.json.errors[0].field, "a\\nb\\u001b")
    }))
})
