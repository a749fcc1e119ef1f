import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Served, served } from "./Served.ts"

interface Result {
  readonly error?: { readonly status: number; readonly type: string }
}

const ndjson = { "content-type": "application/x-ndjson" }

const batch = ({ ask }: Served, body: string | Uint8Array, headers = {}) =>
  ask("/v1/messages", { body, headers })

const message = (payload: string, topic = "orders") => `{"topic":"${topic}","payload":${payload}}`

describe("publishing many messages over HTTP", () => {
  it.live("behaviour 8: answers 202 with one result per message, in order", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const body = ` [ ${message("1.0", "a")} ,\n${message("{\"x\":\"]},{\"}", "b")},` +
        `${message("\"\\\"\\\\\"", "c")}\t] `
      const answer = yield* batch(edge, body)
      assert.strictEqual(answer.status, 202, answer.text)
      assert.strictEqual(answer.json.accepted, 3)
      assert.strictEqual(answer.json.refused, 0)
      const ids = answer.json.results.map((result: { id: string }) => result.id)
      assert.deepStrictEqual(ids, edge.fake.stored.map(({ id }) => id))
      const payloads = edge.fake.stored.map(({ payload }) => payload)
      assert.deepStrictEqual(payloads, ["1.0", "{\"x\":\"]},{\"}", "\"\\\"\\\\\""])
      const first = { id: ids[0], shard: 1, durability: "memory", duplicate: false }
      assert.deepStrictEqual(answer.json.results[0], first)
    }))

  it.live("takes NDJSON, leaves out blank lines, and refuses a bad line alone", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const spoiled = Buffer.from([0x22, 0xff, 0x22])
      const lines = ["", message("1"), "  \r", "{", spoiled, message("2")]
      const body = Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from("\n")]))
      const answer = yield* batch(edge, body, ndjson)
      assert.strictEqual(answer.status, 207)
      assert.strictEqual(answer.json.accepted, 2)
      const types = answer.json.results.map((result: Result) => result.error?.type)
      const malformed = "/problems/body-malformed"
      assert.deepStrictEqual(types, [undefined, malformed, malformed, undefined])
      assert.deepStrictEqual(edge.fake.stored.map(({ payload }) => payload), ["1", "2"])
    }))

  it.live("pitfall 44: refuses one item alone, with its problem, and publishes the others", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const items = [
        message("1"),
        "{\"payload\":1}",
        message("1", "refuse.full"),
        "7",
        message("\"\\ud800\""),
        `${"[".repeat(200)}${"]".repeat(200)}`,
        `{"topic":"a","payload":1,"deliverAt":"x"}`,
        message("2")
      ]
      const answer = yield* batch(edge, `[${items.join(",")}]`)
      assert.strictEqual(answer.status, 207)
      assert.deepStrictEqual(answer.json.results.map((result: Result) => result.error?.status), [
        undefined,
        400,
        429,
        400,
        400,
        400,
        400,
        undefined
      ])
      assert.strictEqual(answer.json.results[2].error.type, "/problems/shard-full")
      assert.deepStrictEqual(edge.fake.stored.map(({ payload }) => payload), ["1", "2"])
    }))

  it.live("answers with the common status, as a problem with results, when none is accepted", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const full = yield* batch(edge, `[${message("1", "refuse.full")}]`)
      assert.strictEqual(full.status, 429)
      assert.strictEqual(full.headers["content-type"], "application/problem+json")
      assert.strictEqual(full.headers["retry-after"], "2")
      assert.strictEqual(full.json.type, "/problems/batch-refused")
      assert.strictEqual(full.json.status, 429)
      assert.strictEqual(full.json.results[0].error.type, "/problems/shard-full")
      const mixed = [message("1", "_reply.a"), "{}", message("1", "refuse.log"), "{}"]
      assert.strictEqual((yield* batch(edge, `[${mixed.join(",")}]`)).status, 400)
      const tie = [message("1", "_reply.a"), "{}"]
      assert.strictEqual((yield* batch(edge, `[${tie.join(",")}]`)).status, 403)
    }))

  it.live("behaviour 9: refuses an empty batch with 400", () =>
    Effect.gen(function*() {
      const edge = yield* served
      for (const [body, headers] of [["[]", {}], ["[ \n]", {}], ["", ndjson], ["\n \n", ndjson]]) {
        const answer = yield* batch(edge, String(body), headers)
        assert.strictEqual(answer.status, 400)
        assert.strictEqual(answer.json.type, "/problems/batch-empty")
      }
    }))

  it.live("refuses an array that does not parse as a whole, with nothing stored", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const good = message("1")
      const bodies = [`[${good}`, `[${good},]`, `[${good} ${good}]`, `[${good}]x`, "{}", "x", ""]
      for (
        const body of [...bodies, `[${good},{]`, `[${good},01]`, `[${good},nul]`, `[,${good}]`]
      ) {
        const answer = yield* batch(edge, body)
        assert.strictEqual(answer.status, 400, body)
        assert.strictEqual(answer.json.type, "/problems/body-malformed", body)
      }
      assert.deepStrictEqual(edge.fake.stored, [])
    }))

  it.live("takes 10,000 messages and refuses one more with 413", () =>
    Effect.gen(function*() {
      const edge = yield* served
      const items = Array.from({ length: 10_000 }, (_, index) => message(String(index)))
      const most = yield* batch(edge, `[${items.join(",")}]`)
      assert.strictEqual(most.status, 202)
      assert.strictEqual(most.json.accepted, 10_000)
      const order = edge.fake.stored.map(({ payload }) => Number(payload))
      assert.deepStrictEqual(order, items.map((_, index) => index))
      const more = [...items, message("0")]
      const array = yield* batch(edge, `[${more.join(",")}]`)
      const lines = yield* batch(edge, more.join("\n"), ndjson)
      for (const answer of [array, lines]) {
        assert.strictEqual(answer.status, 413)
        assert.strictEqual(answer.json.type, "/problems/batch-too-large")
      }
      assert.lengthOf(edge.fake.stored, 10_000)
    }))
})
