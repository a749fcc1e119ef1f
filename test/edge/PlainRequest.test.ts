/**
 * What the publish door reads, held against `node:http`: it may know fewer requests, but none
 * otherwise.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer, type IncomingMessage } from "node:http"
import { duplexPair } from "node:stream"
import { type PlainRequest, readPlain } from "../../src/layers/edge/PlainRequest.ts"
import { seededRandom } from "../simulation/SeededRandom.ts"
import { malformed } from "./Malformed.ts"

const seed = Number(process.env["EDGE_SEED"] ?? "20261126")

/** A request as `node:http` reads it; `undefined` when it refuses the bytes. */
interface Read {
  readonly line: string
  readonly headers: IncomingMessage["headers"]
  readonly count: number
  readonly body: string
}

/** Lets `node:http` read bytes over a stream in memory. */
const readByNode = (bytes: Uint8Array): Effect.Effect<Read | undefined> =>
  Effect.callback((resume) => {
    const server = createServer({ requireHostHeader: false }, (request) => {
      const chunks: Array<Uint8Array> = []
      request.on("data", (chunk) => chunks.push(chunk))
      request.on("end", () => {
        const { headers, httpVersion, method, rawHeaders, url } = request
        const body = Buffer.concat(chunks).toString("latin1")
        const line = `${method} ${url} HTTP/${httpVersion}`
        resume(Effect.succeed({ line, headers, count: rawHeaders.length / 2, body }))
      })
    })
    server.on("clientError", () => resume(Effect.succeed(undefined)))
    const [near, far] = duplexPair()
    server.emit("connection", far)
    near.write(bytes) // One that were not whole for `node:http` would end with the test's time.
  })

const agrees = Effect.fnUntraced(function*(bytes: Buffer, plain: PlainRequest, shown: string) {
  const read = yield* readByNode(bytes.subarray(0, plain.end))
  assert.isDefined(read, shown)
  assert.strictEqual(read?.line, `POST ${plain.head.path} HTTP/1.1`, shown)
  assert.strictEqual(plain.head.path, `/v1/topics/${plain.topic}/messages`, shown)
  for (const [name, value] of Object.entries(read?.headers ?? {})) {
    assert.strictEqual(plain.head.header(name), value, shown)
  }
  assert.strictEqual(Object.keys(read?.headers ?? {}).length, read?.count, shown)
  assert.strictEqual(read?.body, Buffer.from(plain.body).toString("latin1"), shown)
})

/** Pieces of heads: mostly good ones, and those that readers of HTTP disagree about. */
const good = ["host: 127.0.0.1", "content-type: application/json", "content-length: 13"]
const lines = [
  "host: 127.0.0.1",
  "Host: 127.0.0.1:8000",
  "content-type: application/json",
  "Content-Type:application/json; charset=utf-8",
  "content-length: 13",
  "Content-Length:13",
  "content-length: 013",
  "content-length: 0x0d",
  "content-length: 13 ",
  "content-length:\t13",
  "content-length : 13",
  "content-length: 5",
  "connection: keep-alive",
  "connection: close",
  "transfer-encoding: chunked",
  "Transfer-Encoding:",
  "expect: 100-continue",
  "upgrade: h2c",
  "accept: */*",
  "user-agent: a (b; c) d/1.0",
  "idempotency-key: k-1",
  "x: a\tb",
  "x:",
  "x: \u00e9",
  "x: a\rb",
  "x: a\nb",
  " folded",
  "_x-1: y",
  "x(y: z",
  "",
  "no colon"
] as const
const starts = [
  "POST /v1/topics/a.b/messages HTTP/1.1",
  "POST /v1/topics/a/messages HTTP/1.1",
  "POST /v1/topics/a/messages HTTP/1.0",
  "POST /v1/topics/a/b/messages HTTP/1.1",
  "POST /v1/topics/a%2eb/messages HTTP/1.1",
  "POST /v1/topics/messages HTTP/1.1",
  "POST  /v1/topics/a/messages HTTP/1.1",
  "post /v1/topics/a/messages HTTP/1.1",
  "POST /v1/topics/a/messages?x HTTP/1.1",
  "\r\nPOST /v1/topics/a/messages HTTP/1.1"
] as const

const remote = () => "127.0.0.1"

describe("plain requests", () => {
  it.live(
    `are read as node:http reads them, whatever is sent (seed ${seed})`,
    () =>
      Effect.gen(function*() {
        const { between, chance, next, pick } = seededRandom(seed, "plain")
        let plains = 0
        for (let n = 0; n < 4_000; n++) {
          const start = chance(0.7) ? starts[0] : pick(starts)
          const some = Array.from({ length: between(0, 3) }, () => pick(lines))
          const head = [...(chance(0.8) ? good : []), ...some].toSorted(() => next() - 0.5)
          const end = chance(0.95) ? "\r\n" : "\n"
          const text = [start, ...head, "", ""].join(end) + "{\"payload\":1}POST /more"
          const bytes = Buffer.from(text, "latin1")
          const plain = readPlain(bytes, 0, remote)
          if (plain === undefined) continue
          plains++
          yield* agrees(bytes, plain, JSON.stringify(text))
        }
        assert.isAbove(plains, 300)
        for (const { bytes } of malformed(seed, 3_000)) {
          const plain = readPlain(Buffer.from(bytes), 0, remote)
          if (plain === undefined) continue
          yield* agrees(Buffer.from(bytes), plain, Buffer.from(bytes).toString("latin1"))
        }
      }),
    60_000
  )

  it("are whole: a byte less is left to node:http", () => {
    const head = "POST /v1/topics/a/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n"
    const bytes = Buffer.from(`${head}123`)
    assert.strictEqual(readPlain(bytes, 0, remote)?.end, bytes.length)
    for (let end = 0; end < bytes.length; end++) {
      assert.isUndefined(readPlain(bytes.subarray(0, end), 0, remote))
    }
  })
})
