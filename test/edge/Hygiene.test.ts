/**
 * What one connection may do to the server (faults F20 and F21), over real sockets.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { connect } from "node:net"
import { ask as askAny, rawly } from "./Client.ts"
import type { Doors } from "./OpenDoors.ts"
import { nodeOnly, onDeno } from "./Platform.ts"
import { type Served, served, servedBehind } from "./Served.ts"

const host = "host: 127.0.0.1\r\n"
const post = `POST /v1/topics/a/messages HTTP/1.1\r\n${host}content-type: application/json\r\n`
const body = "{\"payload\":1}"

/** Less patience than real clients may ask for. */
const patience = { headTimeoutMs: 100, requestTimeoutMs: 300, slowCheckMs: 50 }

/** A metric of the edge once it is as wanted; the test's own time limit ends it otherwise. */
const metric = (
  { metricsUrl }: Served,
  name: string,
  holds: (value: number) => boolean
): Effect.Effect<number> =>
  Effect.repeat(
    Effect.map(
      askAny(`${metricsUrl}/metrics`),
      ({ text }) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1])
    ),
    { until: (value) => holds(value), schedule: Schedule.spaced("20 millis") }
  )

/** The scrape is one connection itself. */
const socketsGone = (edge: Served) =>
  onDeno ? Effect.void : metric(edge, "http_connections", (count) => count <= 1)

/** A socket that never reads, and what closes it. */
const deaf = (port: number, bytes: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const socket = connect(port, "127.0.0.1")
    socket.pause()
    socket.write(bytes)
    socket.on("error", () => undefined)
    socket.on("close", () => resume(Effect.void))
    return Effect.sync(() => socket.destroy())
  })

/** What Deno takes for requests, and which are then taken as they stand. */
const takenByDeno = new Set(["two equal Content-Lengths", "a bare LF", "16 KiB and one byte"])

describe("heads that are no requests (F21)", () => {
  const bad: ReadonlyArray<readonly [what: string, head: string, status: number]> = [
    ["two Content-Lengths", `${post}content-length: 13\r\ncontent-length: 14\r\n`, 400],
    ["two equal Content-Lengths", `${post}content-length: 13\r\ncontent-length: 13\r\n`, 400],
    ["a list of Content-Lengths", `${post}content-length: 13, 13\r\n`, 400],
    ["a signed Content-Length", `${post}content-length: +13\r\n`, 400],
    [
      "Content-Length beside Transfer-Encoding",
      `${post}content-length: 13\r\ntransfer-encoding: chunked\r\n`,
      400
    ],
    ["an unknown Transfer-Encoding", `${post}transfer-encoding: gzip\r\n`, 400],
    ["a folded header", `${post}x: a\r\n b\r\ncontent-length: 13\r\n`, 400],
    ["a space before the colon", `${post}content-length : 13\r\n`, 400],
    ["a bare LF", `${post.replaceAll("\r\n", "\n")}content-length: 13\n`, 400],
    ["a NUL in a header", `${post}x: a\0b\r\ncontent-length: 13\r\n`, 400],
    ["16 KiB and one byte", `${post}x: ${"y".repeat(16_385)}\r\ncontent-length: 13\r\n`, 431]
  ]

  it.live.each(bad.filter(([what]) => !(onDeno && takenByDeno.has(what))))(
    "%s: refused, and what follows is not taken for a request",
    ([, head, status]) =>
      Effect.gen(function*() {
        const { fake, port } = yield* served
        const smuggled = `${post}content-length: 13\r\n\r\n${body}`
        const text = yield* rawly(port, `${head}\r\n${body}${smuggled}`, {
          enough: (seen) => seen.includes("202")
        })
        assert.match(text, new RegExp(`^HTTP/1.1 ${status} `))
        assert.notInclude(text, " 202 ")
        assert.deepStrictEqual(fake.stored, [])
      })
  )
})

describe("clients that are slow (F20)", () => {
  nodeOnly(
    "a head that does not arrive in time is answered 408, and its socket ends",
    () =>
      Effect.gen(function*() {
        const edge = yield* servedBehind({ patience })
        assert.match(yield* rawly(edge.port, "GET /livez HTT"), /^HTTP\/1\.1 408 /)
        const many = yield* Effect.forEach(
          Array.from({ length: 50 }),
          () => Effect.forkChild(rawly(edge.port, `GET /livez HTTP/1.1\r\n${host}`))
        )
        assert.strictEqual((yield* edge.ask("/livez")).status, 200)
        for (const text of yield* Effect.forEach(many, Fiber.join)) {
          assert.match(text, /^HTTP\/1\.1 408 /)
        }
        yield* socketsGone(edge)
      })
  )

  it.live("a body that does not arrive in time is answered 408, and nothing is stored", () =>
    Effect.gen(function*() {
      const edge = yield* servedBehind({ patience })
      const text = yield* rawly(edge.port, `${post}content-length: 13\r\n\r\n{"payl`)
      assert.match(text, /^HTTP\/1\.1 408 [^]*request-too-slow/)
      assert.deepStrictEqual(edge.fake.stored, [])
      yield* socketsGone(edge)
    }))

  /** An edge with a subscription whose pull is some 8 MiB. */
  const withLargePull = Effect.fnUntraced(function*(patience: Doors["patience"]) {
    const edge = yield* servedBehind(patience === undefined ? {} : { patience })
    yield* edge.ask("/v1/subscriptions/s", { method: "PUT", body: "{\"topic\":\"orders\"}" })
    const large = JSON.stringify({ payload: "x".repeat(1_000_000) })
    for (let n = 0; n < 8; n++) yield* edge.publish(large)
    return edge
  })
  const pull =
    `POST /v1/subscriptions/s/pull HTTP/1.1\r\n${host}content-type: application/json\r\n` +
    "content-length: 2\r\n\r\n{}"

  it.live("a client that takes nothing of its reply is cut off, and its bytes are given back", () =>
    Effect.gen(function*() {
      // Long enough to be seen by somebody who asks for the metrics on a busy machine.
      const edge = yield* withLargePull({ unreadMs: 3_000, slowCheckMs: 50 })
      const waitingMin = onDeno ? 0 : 7_000_000 // Deno counts what the system did not take yet.
      const client = yield* Effect.forkChild(deaf(edge.port, pull))
      yield* metric(edge, "http_unread_reply_bytes", (bytes) => bytes > waitingMin)
      yield* metric(edge, "http_unread_reply_bytes", (bytes) => bytes === 0)
      yield* socketsGone(edge)
      yield* Fiber.interrupt(client)
    }))

  nodeOnly(
    "of too many bytes that wait together, the oldest reply's are given up",
    () =>
      Effect.gen(function*() {
        const edge = yield* withLargePull({ unreadMs: 60_000, unreadBytesMax: 20_000_000 })
        const clients = yield* Effect.forEach(
          Array.from({ length: 6 }),
          () => Effect.forkChild(deaf(edge.port, pull))
        )
        yield* metric(edge, "http_unread_replies_cut_total", (cut) => cut === 4)
        yield* metric(edge, "http_unread_reply_bytes", (bytes) => bytes < 20_000_000)
        assert.strictEqual((yield* edge.ask("/livez")).status, 200)
        yield* Effect.forEach(clients, Fiber.interrupt)
        yield* socketsGone(edge)
      })
  )
})

describe("clients that send ahead (F21)", () => {
  it.live("10,000 requests in one go are all answered, in order", () =>
    Effect.gen(function*() {
      const { fake, port } = yield* served
      const requests = Array.from({ length: 10_000 }, (_, n) => {
        const body = `{"payload":${n}}`
        return `${post}content-length: ${body.length}\r\n\r\n${body}`
      })
      const last = `GET /livez HTTP/1.1\r\n${host}connection: close\r\n\r\n`
      const text = yield* rawly(port, requests.join("") + last)
      assert.lengthOf(text.match(/HTTP\/1\.1 202/g) ?? [], 10_000)
      assert.strictEqual(fake.stored.length, 10_000)
      assert.isTrue(fake.stored.every(({ payload }, index) => payload === String(index)))
    }))

  const waiting = `POST /v1/subscriptions/s/pull HTTP/1.1\r\n${host}` +
    "content-type: application/json\r\ncontent-length: 16\r\n\r\n{\"waitMs\":30000}"

  nodeOnly(
    "a connection has 1,000 requests under way at most; more are refused or not read",
    () =>
      Effect.gen(function*() {
        const edge = yield* served
        yield* edge.ask("/v1/subscriptions/s", { method: "PUT", body: "{\"topic\":\"a\"}" })
        yield* Effect.forkChild(deaf(edge.port, waiting.repeat(1_500)))
        yield* metric(
          edge,
          "http_requests_total\\{method=\"POST\",route=\"unmatched\",status=\"429\"\\}",
          (count) => count > 0
        )
        assert.strictEqual(edge.fake.pullsWaiting, 1_000)
        assert.strictEqual((yield* edge.ask("/livez")).status, 200)
      })
  )

  nodeOnly(
    "requests that wait behind others end with their client as well",
    () =>
      Effect.gen(function*() {
        const edge = yield* served
        yield* edge.ask("/v1/subscriptions/s", { method: "PUT", body: "{\"topic\":\"a\"}" })
        const client = yield* Effect.forkChild(deaf(edge.port, waiting.repeat(200)))
        yield* metric(edge, "http_requests_in_flight", (count) => count === 201)
        yield* Fiber.interrupt(client)
        yield* metric(edge, "http_requests_in_flight", (count) => count === 1)
        assert.strictEqual(edge.fake.pullsInterrupted, 200)
        yield* socketsGone(edge)
      })
  )
})
