import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { clientAddress } from "../../src/layers/edge/ClientAddress.ts"
import { ask as askAny, rawly } from "./Client.ts"
import { servedBehind } from "./Served.ts"

const one = "{\"payload\":1}"

describe("the rate limit over HTTP", () => {
  it.live("behaviours 28 and 31: request n+1 is 429, names the client, and is never queued", () =>
    Effect.gen(function*() {
      const { fake, metricsUrl, publish } = yield* servedBehind({ limit: 2 })
      const first = yield* publish(one)
      assert.strictEqual(first.status, 202)
      assert.strictEqual(first.headers["ratelimit-policy"], "\"publish\";q=2;w=60")
      assert.match(String(first.headers["ratelimit"]), /^"publish";r=1;t=(59|60)$/)
      yield* publish(one)
      const refused = yield* publish(one)
      assert.strictEqual(refused.status, 429)
      assert.strictEqual(refused.json.type, "/problems/rate-limited")
      assert.strictEqual(refused.json.client, "address 127.0.0.1")
      assert.strictEqual(refused.json.limit, 2)
      assert.match(String(refused.headers["ratelimit"]), /^"publish";r=0;t=\d+$/)
      assert.strictEqual(refused.headers["ratelimit-policy"], "\"publish\";q=2;w=60")
      const retryAfter = Number(refused.headers["retry-after"])
      assert.isAtLeast(retryAfter, 58)
      assert.isAtMost(retryAfter, 60)
      assert.lengthOf(fake.stored, 2)
      const { text } = yield* askAny(`${metricsUrl}/metrics`)
      assert.match(text, /\nrate_limit_refused_total 1\n/)
      assert.match(text, /\nrate_limit_clients 1\n/)
      assert.match(text, /\nrate_limit_evicted_total 0\n/)
    }))

  it.live("a batch is one request, a refused message is one, and other requests are none", () =>
    Effect.gen(function*() {
      const { ask, fake, publish } = yield* servedBehind({ limit: 3 })
      const batch = yield* ask("/v1/messages", {
        body: JSON.stringify(Array.from({ length: 50 }, () => ({ topic: "a", payload: 1 })))
      })
      assert.strictEqual(batch.status, 202)
      assert.match(String(batch.headers["ratelimit"]), /^"publish";r=2;/)
      const bad = yield* publish("{")
      assert.strictEqual(bad.status, 400)
      assert.match(String(bad.headers["ratelimit"]), /^"publish";r=1;/)
      for (let n = 0; n < 10; n++) {
        assert.strictEqual((yield* ask("/v1/subscriptions")).status, 200)
        assert.strictEqual((yield* ask("/readyz")).status, 200)
      }
      assert.strictEqual((yield* publish(one)).status, 202)
      assert.strictEqual((yield* publish(one)).status, 429)
      assert.lengthOf(fake.stored, 51)
    }))

  it.live("refuses before the body is read", () =>
    Effect.gen(function*() {
      const { port, publish } = yield* servedBehind({ limit: 1 })
      yield* publish(one)
      const head = "POST /v1/topics/a/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n" +
        "content-type: application/json\r\ncontent-length: 1000000\r\n\r\n"
      assert.match(yield* rawly(port, head), /^HTTP\/1\.1 429 [^]*connection: close/)
      const expecting = head.replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n")
      assert.match(yield* rawly(port, expecting), /^HTTP\/1\.1 429 /)
    }))

  it.live("behaviour 30: behind a trusted proxy each client counts by itself, spoofed or not", () =>
    Effect.gen(function*() {
      const { publish } = yield* servedBehind({ limit: 1, proxyTrusted: true })
      const from = (forwarded: string) =>
        Effect.map(publish(one, { "x-forwarded-for": forwarded }), ({ status }) => status)
      assert.strictEqual(yield* from("203.0.113.1"), 202)
      assert.strictEqual(yield* from("203.0.113.2"), 202)
      assert.strictEqual(yield* from("9.9.9.9, 203.0.113.1"), 429)
      const direct = yield* servedBehind({ limit: 1 })
      yield* direct.publish(one)
      const spoofed = yield* direct.publish(one, { "x-forwarded-for": "203.0.113.1" })
      assert.strictEqual(spoofed.status, 429)
    }))

  it.live("0 is no limit and says nothing of one", () =>
    Effect.gen(function*() {
      const { publish } = yield* servedBehind({ limit: 0 })
      assert.isUndefined((yield* publish(one)).headers["ratelimit"])
    }))
})

describe("the address of a client", () => {
  const head = (remote: string, forwarded?: string) => ({
    method: "GET",
    path: "/",
    query: "",
    remote: () => remote,
    header: (name: string) => name === "x-forwarded-for" ? forwarded : undefined
  })

  it("is the peer's, or the last one that a trusted proxy noted", () => {
    assert.strictEqual(clientAddress(head("10.0.0.1", "1.2.3.4"), false), "10.0.0.1")
    assert.strictEqual(clientAddress(head("10.0.0.1", "1.2.3.4"), true), "1.2.3.4")
    assert.strictEqual(clientAddress(head("10.0.0.1", "1.1.1.1, 1.2.3.4:80"), true), "1.2.3.4")
    assert.strictEqual(clientAddress(head("10.0.0.1"), true), "10.0.0.1")
    for (const wrong of ["", "unknown", "x".repeat(9_999), "1.2.3.4, evil"]) {
      assert.strictEqual(clientAddress(head("10.0.0.1", wrong), true), "10.0.0.1", wrong)
    }
    assert.strictEqual(clientAddress(head("::ffff:10.0.0.1"), false), "10.0.0.1")
  })

  it("is one for a whole IPv6 network of 64 bits", () => {
    const same = ["2001:db8:0:1::5", "2001:0db8:0000:0001:9:9:9:9", "[2001:db8:0:1:ffff::]:443"]
    for (const six of same) {
      assert.strictEqual(clientAddress(head("", six), true), "2001:db8:0:1::/64", six)
    }
    assert.strictEqual(clientAddress(head("::1"), false), "0:0:0:0::/64")
    assert.notStrictEqual(clientAddress(head("2001:db8:0:2::5"), false), "2001:db8:0:1::/64")
  })
})
