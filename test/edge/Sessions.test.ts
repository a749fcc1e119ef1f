import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { served } from "./Served.ts"

const put = (body: string) => ({
  method: "PUT",
  body,
  headers: { "content-type": "application/json" }
})

const path = "/v1/sessions/chat.42"

describe("sessions over HTTP", () => {
  it.live("are written, read as they were sent, and ended", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const unknown = yield* ask(path)
      assert.deepStrictEqual(
        [unknown.status, unknown.json.type],
        [404, "/problems/session-unknown"]
      )
      const value = `{"n": 12345678901234567890, "ü": [1.0]}`
      const written = yield* ask(path, put(`{"ttlMs":60000,"value":${value}}`))
      assert.strictEqual(written.status, 200)
      const { expiresAt, name, version } = written.json
      assert.deepStrictEqual([name, typeof version, Number.isNaN(Date.parse(expiresAt))], [
        "chat.42",
        "number",
        false
      ])
      const read = yield* ask(path)
      assert.strictEqual(read.status, 200)
      assert.include(read.text, `"value":${value}`)
      assert.strictEqual(read.json.version, version)
      assert.strictEqual((yield* ask(path, { method: "DELETE" })).status, 204)
      assert.strictEqual((yield* ask(path, { method: "DELETE" })).status, 404)
    }))

  it.live("are written over the version that was read, and no other", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const write = (version: number) =>
        ask(path, put(JSON.stringify({ ttlMs: 60_000, value: version, version })))
      const first = yield* write(0)
      assert.strictEqual(first.status, 200)
      const again = yield* write(0)
      assert.deepStrictEqual(
        [again.status, again.json.type, again.json.version],
        [409, "/problems/session-conflict", first.json.version]
      )
      assert.strictEqual((yield* write(first.json.version)).status, 200)
      const ended = yield* ask(`${path}?version=${first.json.version}`, { method: "DELETE" })
      assert.strictEqual(ended.status, 409)
    }))

  it.live.each([
    ["chat", { ttlMs: 999, value: 1 }, "ttlMs"],
    ["chat", { ttlMs: 1_000 }, "value"],
    ["chat", { ttlMs: 1_000, value: 1, version: -1 }, "version"],
    ["chat", { ttlMs: 1_000, value: 1, forever: true }, "forever"],
    ["chat", { ttlMs: 1_000, value: "x".repeat(65_536) }, "value"],
    ["%20", { ttlMs: 1_000, value: 1 }, "name"]
  ])("%s with %o is refused by field", ([name, body, field]) =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const { json, status } = yield* ask(`/v1/sessions/${name}`, put(JSON.stringify(body)))
      assert.strictEqual(status, 400)
      assert.strictEqual(json.errors[0].field, field)
    }))
})
