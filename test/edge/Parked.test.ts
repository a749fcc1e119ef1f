import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { SubscriptionName } from "../../src/domain/Subscription.ts"
import { type Served, served } from "./Served.ts"

const billing = "/v1/subscriptions/billing/parked"

const park = (edge: Served, count: number) =>
  Effect.gen(function*() {
    yield* edge.ask("/v1/subscriptions/billing", { method: "PUT", body: `{"topic":"orders"}` })
    yield* edge.publish(`{"payload":1}`)
    const message = edge.fake.stored[0] ?? assert.fail("nothing stored")
    for (let id = 0; id < count; id++) {
      edge.fake.parked.push({
        id,
        subscription: Schema.decodeSync(SubscriptionName)("billing"),
        message,
        reason: id === 0 ? "DeadLettersFull" : "Fate",
        error: "no \"paper\"",
        attempts: 2,
        parkedAt: 1_700_000_000_000
      })
    }
  })

describe("parked deliveries over HTTP", () => {
  it.live("are listed by page, with text ids, their reason and their message", () =>
    Effect.gen(function*() {
      const edge = yield* served
      yield* park(edge, 5)
      const first = yield* edge.ask(`${billing}?limit=2`)
      assert.strictEqual(first.status, 200)
      const { message, ...one } = first.json.parked[0]
      assert.strictEqual(message.payload, 1)
      assert.deepStrictEqual(one, {
        id: "0",
        subscription: "billing",
        reason: "DeadLettersFull",
        error: "no \"paper\"",
        attempts: 2,
        parkedAt: "2023-11-14T22:13:20.000Z"
      })
      assert.strictEqual(first.json.next, "1")
      const rest = yield* edge.ask(`${billing}?after=1`)
      assert.deepStrictEqual(rest.json.parked.map(({ id }: { id: string }) => id), ["2", "3", "4"])
      assert.notProperty(rest.json, "next")
    }))

  it.live("are released all or by id, and dropped by id only", () =>
    Effect.gen(function*() {
      const edge = yield* served
      yield* park(edge, 5)
      const post = (body: string) => edge.ask(`${billing}/release`, { method: "POST", body })
      const remove = (query: string) => edge.ask(`${billing}${query}`, { method: "DELETE" })
      assert.deepStrictEqual((yield* post(`{"ids":["1","9"]}`)).json, { released: 1 })
      assert.deepStrictEqual((yield* remove("?ids=2,3")).json, { dropped: 2 })
      assert.strictEqual((yield* remove("")).status, 400)
      assert.strictEqual((yield* remove("?ids=all")).status, 400)
      assert.deepStrictEqual((yield* post("{}")).json, { released: 2 })
      assert.lengthOf(edge.fake.parked, 0)
    }))

  it.live("of an unknown subscription are 404, and a page has a limit", () =>
    Effect.gen(function*() {
      const edge = yield* served
      yield* park(edge, 1)
      assert.strictEqual((yield* edge.ask("/v1/subscriptions/nobody/parked")).status, 404)
      assert.strictEqual((yield* edge.ask(`${billing}?limit=1001`)).status, 400)
      assert.strictEqual((yield* edge.ask(`${billing}?limit=0`)).status, 400)
    }))
})
