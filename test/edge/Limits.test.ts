import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { edgeLimits } from "../../src/layers/edge/EdgeLimits.ts"
import { rawly } from "./Client.ts"
import { nodeOnly } from "./Platform.ts"
import { served } from "./Served.ts"

const payloadOf = (bytes: number, letter = "x") =>
  JSON.stringify(letter.repeat((bytes - 2) / Buffer.byteLength(letter)))

describe("limits of a message over HTTP", () => {
  it.live("behaviour 32: a payload of 1 MiB of UTF-8 passes, one byte more is 413", () =>
    Effect.gen(function*() {
      const { fake, publish } = yield* served
      for (const letter of ["x", "\u00e9", "\ud83d\ude00"]) {
        const most = payloadOf(1_048_576 - (letter.length > 1 ? 2 : 0), letter)
        const padded = `${most.slice(0, -1)}${"y".repeat(1_048_576 - Buffer.byteLength(most))}"`
        assert.strictEqual(Buffer.byteLength(padded), 1_048_576)
        assert.strictEqual((yield* publish(`{"payload":${padded}}`)).status, 202)
        const more = yield* publish(`{"payload":${padded.slice(0, -1)}z"}`)
        assert.strictEqual(more.status, 413)
        assert.strictEqual(more.json.type, "/problems/payload-too-large")
        assert.strictEqual(more.json.sizeBytes, 1_048_577)
        assert.strictEqual(more.json.limitBytes, 1_048_576)
      }
      assert.lengthOf(fake.stored, 3)
    }))

  it.live("headers of 16 KiB pass, one byte more is 413", () =>
    Effect.gen(function*() {
      const { publish } = yield* served
      const headers = (bytes: number) => `{"h":"${"x".repeat(bytes - 8)}"}`
      const sized = (bytes: number) => publish(`{"payload":1,"headers":${headers(bytes)}}`)
      assert.strictEqual((yield* sized(16_384)).status, 202)
      const more = yield* sized(16_385)
      assert.strictEqual(more.status, 413)
      assert.strictEqual(more.json.errors[0].field, "headers")
    }))

  it.live("a payload nested 128 deep passes, one level more is 400", () =>
    Effect.gen(function*() {
      const { fake, publish } = yield* served
      const nested = (depth: number) =>
        publish(`{"payload":${"[".repeat(depth)}${"]".repeat(depth)}}`)
      assert.strictEqual((yield* nested(128)).status, 202)
      for (const depth of [129, 100_000, 500_000]) {
        const answer = yield* nested(depth)
        assert.strictEqual(answer.status, 400)
        assert.strictEqual(answer.json.type, "/problems/too-deep")
      }
      assert.strictEqual((yield* publish("[".repeat(1_000_000))).json.type, "/problems/too-deep")
      assert.strictEqual((yield* publish("{\"a\":".repeat(100_000))).status, 400)
      assert.lengthOf(fake.stored, 1)
    }))

  it.live("keys of 1,024 characters pass", () =>
    Effect.gen(function*() {
      const { publish } = yield* served
      const key = "\ud83d\ude00".repeat(512)
      const body = JSON.stringify({ payload: 1, key, idempotencyKey: key })
      assert.strictEqual((yield* publish(body)).status, 202)
    }))
})

describe("limits of a body", () => {
  const { batchBytesMax, bodyBytesMax } = edgeLimits

  it.live("a body at its limit is read, one byte more is 413 by its declared length", () =>
    Effect.gen(function*() {
      const { ask } = yield* served
      const single = (bytes: number) =>
        ask("/v1/topics/orders/messages", { body: `{"payload":1}`.padEnd(bytes) })
      assert.strictEqual((yield* single(bodyBytesMax)).status, 202)
      assert.strictEqual((yield* single(bodyBytesMax + 1)).json.type, "/problems/body-too-large")
      const many = (bytes: number) =>
        ask("/v1/messages", { body: `[{"topic":"a","payload":1}]`.padEnd(bytes) })
      assert.strictEqual((yield* many(batchBytesMax)).status, 202)
      assert.strictEqual((yield* many(batchBytesMax + 1)).status, 413)
    }))

  it.live("a body that declares too much is refused before it is sent", () =>
    Effect.gen(function*() {
      const { port } = yield* served
      const head = `POST /v1/topics/a/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
        `content-type: application/json\r\ncontent-length: 99999999999\r\n`
      const text = yield* rawly(port, `${head}\r\n`)
      assert.match(text, /^HTTP\/1\.1 413 [^]*connection: close/)
      const expecting = yield* rawly(port, `${head}expect: 100-continue\r\n\r\n`)
      assert.match(expecting, /^HTTP\/1\.1 413 /)
    }))

  it.live("a streamed body is refused once it passes the limit, and its connection ends", () =>
    Effect.gen(function*() {
      const { fake, port } = yield* served
      const head = `POST /v1/topics/a/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
        `content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
      const chunk = `10000\r\n${" ".repeat(65_536)}\r\n`
      const text = yield* rawly(port, head + chunk.repeat(bodyBytesMax / 65_536 + 1))
      assert.match(text, /^HTTP\/1\.1 413 [^]*connection: close/)
      assert.deepStrictEqual(fake.stored, [])
    }))
})

describe("limits of a request's head", () => {
  it.live("more than 16 KiB is answered 431 with a problem document", () =>
    Effect.gen(function*() {
      const { port } = yield* served
      const text = yield* rawly(port, `GET /livez HTTP/1.1\r\nx: ${"y".repeat(17_000)}\r\n\r\n`)
      assert.match(text, /^HTTP\/1\.1 431 [^]*application\/problem\+json[^]*head-too-large/)
    }))

  nodeOnly(
    "many small headers hide none: an Origin behind 1,900 others is still seen",
    () =>
      Effect.gen(function*() {
        const { port } = yield* served
        const text = yield* rawly(
          port,
          `GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n${
            "a:\r\n".repeat(1_900)
          }` +
            `origin: http://evil.example\r\n\r\n`
        )
        assert.match(text, /^HTTP\/1\.1 403 /)
      })
  )
})
