import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Answer, type Asked, fakeBus, problem } from "./FakeBus.ts"
import { runCli } from "./RunCli.ts"

/** The JSON of a delivery, with a number that JavaScript cannot hold. */
const delivery = (n: number) =>
  `{"ackId":"ack-${n}","attempt":${n === 2 ? 3 : 1},"leaseExpiresAt":"2026-01-01T00:00:00Z",` +
  `"message":{"id":"id-${n}","topic":"orders","payload":{"n":1234567890123456789${n}},` +
  `"key":${n === 2 ? "\"k\\u001b\"" : "null"},"headers":{}}}`

/** A bus with one subscription and the deliveries 1 to `count`, at most `max` per pull. */
const busWith = (count: number, exists: boolean) => {
  let next = 1
  return ({ body, method, path }: Asked): Answer => {
    if (path === "/v1/subscriptions/billing") {
      return method === "GET" && !exists
        ? problem(404, "Unknown subscription", "create it first")
        : [200, { name: "billing", topic: "orders.>" }]
    }
    if (path === "/v1/subscriptions/billing/pull") {
      const numbers = Array.from({ length: JSON.parse(body).max }, () => next++)
        .filter((n) => n <= count)
      return [200, `{"deliveries":[${numbers.map((n) => delivery(n)).join(",")}]}`]
    }
    return [200, { done: 1, unknown: [] }]
  }
}

const bodiesOf = (asked: ReadonlyArray<Asked>, end: string) =>
  asked.filter(({ path }) => path.endsWith(end)).map(({ body }) => JSON.parse(body))

describe("codefactory subscribe", () => {
  it.effect("creates the subscription when it is new, prints messages and acknowledges them", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(busWith(9, false))
      const { code, err, out } = yield* runCli([
        ...["subscribe", "billing", "--topic", "orders.>", "--from", "earliest"],
        ...["--count", "3", "--max", "2", "--url", bus.url]
      ])
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(out.split("\n"), [
        "orders {\"n\":12345678901234567891}",
        "orders [k\\u001b] (attempt 3) {\"n\":12345678901234567892}",
        "orders {\"n\":12345678901234567893}"
      ])
      assert.include(err, "3 messages received")
      const put = bus.asked.find(({ method }) => method === "PUT")
      assert.deepStrictEqual(JSON.parse(put?.body ?? ""), { topic: "orders.>", from: "earliest" })
      assert.deepStrictEqual(bodiesOf(bus.asked, "/ack"), [
        { ackIds: ["ack-1", "ack-2"] },
        { ackIds: ["ack-3"] }
      ])
    }))

  it.effect("leaves an existing subscription as it is, and prints whole deliveries as JSON", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(busWith(1, true))
      const { out } = yield* runCli([
        ...["subscribe", "billing", "--topic", "orders.>", "--count", "1"],
        ...["--json", "--url", bus.url]
      ])
      assert.deepStrictEqual(JSON.parse(out), JSON.parse(delivery(1)))
      assert.include(out, "{\"n\":12345678901234567891}")
      assert.isFalse(bus.asked.some(({ method }) => method === "PUT"))
    }))

  it.effect("--no-ack acknowledges nothing", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus(busWith(1, true))
      yield* runCli(["subscribe", "billing", "--no-ack", "--count", "1", "--url", bus.url])
      assert.deepStrictEqual(bodiesOf(bus.asked, "/ack"), [])
    }))

  it.effect("an unknown or different subscription is wrong usage", () =>
    Effect.gen(function*() {
      const unknown = yield* fakeBus(busWith(1, false))
      const asked = yield* runCli(["subscribe", "billing", "--url", unknown.url])
      assert.strictEqual(asked.code, 2)
      assert.include(asked.err, "--topic")
      const other = yield* fakeBus(busWith(1, true))
      const otherwise = yield* runCli([
        ...["subscribe", "billing", "--topic", "x", "--url", other.url]
      ])
      assert.strictEqual(otherwise.code, 2)
      assert.include(otherwise.err, "orders.>")
    }))

  it.effect("a bus that goes away ends it with exit code 69", () =>
    Effect.gen(function*() {
      const bus = yield* fakeBus((asked) =>
        asked.path.endsWith("/pull")
          ? problem(503, "Server closing", "try again")
          : busWith(1, true)(asked)
      )
      const { code, err } = yield* runCli(["subscribe", "billing", "--url", bus.url])
      assert.strictEqual(code, 69)
      assert.include(err, "Server closing: try again")
    }))
})
