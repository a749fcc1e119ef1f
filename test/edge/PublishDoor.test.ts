/**
 * The publish door on the bare socket: what is its own, what is the server's, and in which order.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "node:net"
import { ask, rawly } from "./Client.ts"
import { nodeOnly } from "./Platform.ts"
import { served, servedBehind } from "./Served.ts"

const publish = (n: number, topic = "a") => {
  const body = `{"payload":${n}}`
  return `POST /v1/topics/${topic}/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
    `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}
const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${more}\r\n`
const last = get("/livez", "connection: close\r\n")

const statuses = (text: string) => Array.from(text.matchAll(/HTTP\/1\.1 (\d+) /g), ([, s]) => s)

/** Sends pieces one after the other, each in a packet of its own, and reads to the end. */
const inPieces = (port: number, pieces: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true })
    let text = "" // What was read.
    socket.setEncoding("latin1")
    const send = (at: number): void => {
      const piece = pieces[at]
      if (piece !== undefined) socket.write(piece, "latin1", () => setImmediate(send, at + 1))
    }
    socket.on("connect", () => send(0))
    socket.on("data", (more) => text += more)
    socket.on("error", () => undefined)
    socket.on("close", () => resume(Effect.succeed(text)))
    return Effect.sync(() => socket.destroy())
  })

describe("the publish door", () => {
  it.live("answers publishes among other requests in the order in which they came", () =>
    Effect.gen(function*() {
      const { fake, port } = yield* served
      const sent = [
        publish(1),
        publish(2, "_reply.x"),
        publish(3, "message_bus"),
        get("/v1/nothing"),
        publish(4).replace("application/json", "text/plain"),
        publish(5),
        get("/livez"),
        publish(6),
        last
      ]
      const text = yield* rawly(port, sent.join(""))
      const all = statuses(text)
      assert.deepStrictEqual([all[0], ...all.slice(3)], [
        "202",
        "404",
        "415",
        "202",
        "200",
        "202",
        "200"
      ])
      const stored = fake.stored.map(({ payload }) => payload)
      assert.deepStrictEqual(stored.filter((payload) => !["2", "3"].includes(payload)), [
        "1",
        "5",
        "6"
      ])
    }))

  it.live("keeps the order of replies when the bus answers later requests first", () =>
    Effect.gen(function*() {
      const { port } = yield* served
      const sent = [
        publish(1, "late"),
        publish(2, "b"),
        publish(3, "late"),
        get("/v1/nothing"),
        last
      ]
      const text = yield* rawly(port, sent.join(""))
      assert.deepStrictEqual(statuses(text), ["202", "202", "202", "404", "200"])
      const topics = Array.from(text.matchAll(/"topic":"(\w+)"/g), ([, topic]) => topic)
      assert.deepStrictEqual(topics, ["late", "b", "late"])
    }))

  it.live("reads the same, wherever the network cuts what is sent", () =>
    Effect.gen(function*() {
      const { fake, port } = yield* served
      const two = publish(1) + publish(2)
      const sent = two + last
      for (let at = 1; at <= two.length; at += 3) {
        fake.stored.length = 0
        const text = yield* inPieces(port, [sent.slice(0, at), sent.slice(at)])
        assert.deepStrictEqual(statuses(text), ["202", "202", "200"], `cut at ${at}: ${text}`)
        assert.deepStrictEqual(fake.stored.map(({ payload }) => payload), ["1", "2"])
      }
    }))

  nodeOnly(
    "answers a publish with what node:http would, but for the spelling of names",
    () =>
      Effect.gen(function*() {
        const { metricsUrl, port } = yield* servedBehind({ limit: 5 })
        const plain = yield* rawly(port, publish(1), { enough: (text) => text.endsWith("}") })
        const split = publish(2).replace("host:", "connection: Keep-Alive\r\nhost:")
        const other = yield* rawly(port, split, { enough: (text) => text.endsWith("}") })
        const names = (text: string) =>
          (text.split("\r\n\r\n")[0] ?? "").toLowerCase().split("\r\n").slice(1)
            .map((line) => line.split(":")[0])
        assert.deepStrictEqual(names(plain), names(other))
        assert.match(plain, /\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/)
        const { text } = yield* ask(`${metricsUrl}/metrics`)
        const route = "{method=\"POST\",route=\"/v1/topics/{topic}/messages\",status=\"202\"}"
        assert.include(text.split("\n"), `http_requests_total${route} 2`)
        assert.match(text, /^http_requests_in_flight 1$/m)
      })
  )

  it.live("a body beyond its limit is refused before it is read, and so is one without a key", () =>
    Effect.gen(function*() {
      const { fake, port } = yield* served
      const head = publish(1).split("\r\n\r\n")[0] ?? ""
      const large = head.replace(/content-length: \d+/, "content-length: 2000000")
      assert.match(yield* rawly(port, `${large}\r\n\r\n`), /^HTTP\/1\.1 413 /)
      const locked = yield* servedBehind({ keys: [] })
      assert.match(yield* rawly(locked.port, `${large}\r\n\r\n`), /^HTTP\/1\.1 401 /)
      assert.deepStrictEqual(fake.stored, [])
    }))
})
