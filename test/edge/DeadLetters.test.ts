import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { SubscriptionName } from "../../src/domain/Subscription.ts"
import { type Served, served } from "./Served.ts"

const bury = (edge: Served, count: number, payload = "1") =>
  Effect.gen(function*() {
    yield* edge.publish(`{"payload":${payload}}`)
    const message = edge.fake.stored[0] ?? assert.fail("nothing stored")
    for (let id = 0; id < count; id++) {
      edge.fake.deadLetters.push({
        id,
        subscription: Schema.decodeSync(SubscriptionName)(id % 2 === 0 ? "even" : "odd"),
        incarnation: 1,
        message,
        reason: "AttemptsExhausted",
        error: "Error: \"bad\"\n\ud800",
        attempts: 4,
        failedAt: 1_700_000_000_000
      })
    }
  })

describe("dead letters over HTTP", () => {
  it.live("are listed by page with text ids; `next` leads through all of them", () =>
    Effect.gen(function*() {
      const edge = yield* served
      yield* bury(edge, 41)
      const seen: Array<string> = []
      let query = "?limit=17" // Pages until there is no next one.
      for (let page = 0; page < 5 && query !== ""; page++) {
        const { json, status } = yield* edge.ask(`/v1/dead-letters${query}`)
        assert.strictEqual(status, 200)
        assert.isAtMost(json.deadLetters.length, 17)
        seen.push(...json.deadLetters.map((letter: { id: string }) => letter.id))
        query = json.next === undefined ? "" : `?limit=17&after=${json.next}`
      }
      assert.deepStrictEqual(seen, Array.from({ length: 41 }, (_, id) => String(id)))
      const exact = yield* edge.ask("/v1/dead-letters?limit=41")
      assert.lengthOf(exact.json.deadLetters, 41)
      assert.notProperty(exact.json, "next")
      const odd = yield* edge.ask("/v1/dead-letters?subscription=odd&topic=orders")
      assert.lengthOf(odd.json.deadLetters, 20)
    }))

  it.live("end a page before it grows beyond its bytes", () =>
    Effect.gen(function*() {
      const edge = yield* served
      yield* bury(edge, 20, JSON.stringify("x".repeat(1_000_000)))
      const { json } = yield* edge.ask("/v1/dead-letters")
      assert.lengthOf(json.deadLetters, 8)
      assert.strictEqual(json.next, "7")
    }))

  it.live("are shown, edited with the payload kept byte for byte, and deleted one by one", () =>
    Effect.gen(function*() {
      const edge = yield* served
      yield* bury(edge, 2)
      const shown = yield* edge.ask("/v1/dead-letters/1")
      const { error, message, ...letter } = shown.json
      assert.deepStrictEqual(letter, {
        id: "1",
        subscription: "odd",
        reason: "AttemptsExhausted",
        attempts: 4,
        failedAt: "2023-11-14T22:13:20.000Z"
      })
      assert.strictEqual(error, "Error: \"bad\"\n\ud800")
      assert.strictEqual(message.id, edge.fake.stored[0]?.id)
      const edited = yield* edge.ask("/v1/dead-letters/1", {
        method: "PATCH",
        body: "{\"payload\" : {\"n\": 1.0} }"
      })
      assert.strictEqual(edited.status, 200)
      assert.strictEqual(edge.fake.deadLetters[1]?.message.payload, "{\"n\": 1.0}")
      const removed = yield* edge.ask("/v1/dead-letters/1", { method: "DELETE" })
      assert.strictEqual(removed.status, 204)
      for (const id of ["1", "x", "-1", "1e1", "99999999999999999999"]) {
        const unknown = yield* edge.ask(`/v1/dead-letters/${id}`)
        assert.strictEqual(unknown.status, 404, id)
        assert.strictEqual(unknown.json.type, "/problems/dead-letter-unknown")
        const again = yield* edge.ask(`/v1/dead-letters/${id}`, { method: "DELETE" })
        assert.strictEqual(again.status, 404)
      }
    }))

  it.live("refuse an edit that is no payload", () =>
    Effect.gen(function*() {
      const edge = yield* served
      yield* bury(edge, 1)
      const cases: ReadonlyArray<readonly [body: string, status: number]> = [
        ["{}", 400],
        ["{\"payload\":1,\"key\":\"k\"}", 400],
        ["{\"payload\":\"\\udfff\"}", 400],
        [`{"payload":"${"x".repeat(1_048_575)}"}`, 413]
      ]
      for (const [body, status] of cases) {
        const answer = yield* edge.ask("/v1/dead-letters/0", { method: "PATCH", body })
        assert.strictEqual(answer.status, status)
      }
      assert.strictEqual(edge.fake.deadLetters[0]?.message.payload, "1")
    }))

  it.live("are deleted by filter, with the count", () =>
    Effect.gen(function*() {
      const edge = yield* served
      yield* bury(edge, 5)
      const odd = yield* edge.ask("/v1/dead-letters?subscription=odd", { method: "DELETE" })
      assert.deepStrictEqual(odd.json, { deleted: 2 })
      const typo = yield* edge.ask("/v1/dead-letters?subscripton=even", { method: "DELETE" })
      assert.strictEqual(typo.status, 400)
      assert.lengthOf(edge.fake.deadLetters, 3)
    }))

  it.live("behaviour 70: are replayed by filter and age; a negative age is refused", () =>
    Effect.gen(function*() {
      const edge = yield* served
      yield* bury(edge, 4)
      const replay = (body: object) =>
        edge.ask("/v1/dead-letters/replay", { body: JSON.stringify(body) })
      const dry = yield* replay({ subscription: "odd", dryRun: true })
      assert.deepStrictEqual(dry.json, { replayed: 2, failed: 0, remaining: 4 })
      const some = yield* replay({ ids: ["0", "3"], topic: "orders", maxAgeSeconds: 60 })
      assert.deepStrictEqual(some.json, { replayed: 2, failed: 0, remaining: 2 })
      const { failedSince, ...filter } = edge.fake.filters[1] ?? {}
      assert.deepStrictEqual(filter, { topic: "orders", subscription: undefined, ids: [0, 3] })
      assert.isNumber(failedSince)
      for (const body of [{ maxAgeSeconds: -1 }, { ids: [1] }, { ids: ["x"] }, { dryrun: true }]) {
        assert.strictEqual((yield* replay(body)).status, 400, JSON.stringify(body))
      }
    }))

  it.live("refuse a page out of range and parameters given twice", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      for (const query of ["limit=0", "limit=1001", "limit=x", "after=-1", "limit=1&limit=2"]) {
        assert.strictEqual((yield* ask(`/v1/dead-letters?${query}`)).status, 400, query)
      }
    }))
})
