/**
 * Requests at the limits of size and depth, and far beyond them, against the real process.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "node:net"
import process from "node:process"
import { gzipSync } from "node:zlib"
import { call, type Service, start, stop, temporaryFolder } from "./Service.ts"
import { memoryOf, say } from "./Verdict.ts"

const mebibyte = 1_048_576
const path = "/v1/topics/edge.t/messages"

/** A body whose payload is a JSON text of exactly so many UTF-8 bytes. */
const bodyOf = (payloadBytes: number, letter = "x") => {
  const width = Buffer.byteLength(letter)
  const room = payloadBytes - 2
  const text = letter.repeat(Math.floor(room / width)) + "x".repeat(room % width)
  return `{"payload":"${text}"}`
}

const post = ({ url }: Service, body: string | Uint8Array, headers: Record<string, string> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : new Uint8Array(body)
    })
    return { status: response.status, text: await response.text() }
  })

/** Sends chunks until the service answers or closes; gives its answer and the bytes it took. */
const stream = ({ url }: Service, bytes: number) =>
  Effect.callback<{ readonly answer: string; readonly taken: number }>((resume) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const chunk = Buffer.alloc(65_536, "x")
    const text: Array<string> = []
    let sent = 0
    const head = `POST ${path} HTTP/1.1\r\nhost: ${hostname}\r\n` +
      `content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
    const more = () => {
      while (sent < bytes && text.length === 0 && !socket.destroyed) {
        sent += chunk.length
        if (!socket.write(Buffer.concat([Buffer.from("10000\r\n"), chunk, Buffer.from("\r\n")]))) {
          return void socket.once("drain", more)
        }
      }
    }
    socket.write(head)
    socket.on("data", (data) => text.push(data.toString()))
    socket.on("error", () => undefined)
    // What the kernel still holds back was not taken.
    socket.on("close", () => resume(Effect.succeed({ answer: text.join(""), taken: sent })))
    more()
    return Effect.sync(() => socket.destroy())
  })

describe("requests at the limits", () => {
  it.live("F14: a payload of 1 MiB passes by UTF-8 bytes, one byte more is 413", () =>
    Effect.gen(function*() {
      const service = yield* start(yield* temporaryFolder)
      for (const letter of ["x", "é", "😀"]) {
        for (const bytes of [mebibyte - 1, mebibyte]) {
          const { status } = yield* post(service, bodyOf(bytes, letter))
          assert.strictEqual(status, 202, `${bytes} bytes of ${letter}`)
        }
        const { status, text } = yield* post(service, bodyOf(mebibyte + 1, letter))
        assert.strictEqual(status, 413, `${letter}: ${text}`)
      }
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))

  it.live(
    "F14: endless streams, deep nesting and bombs are refused, and cost no memory",
    () =>
      Effect.gen(function*() {
        const service = yield* start(yield* temporaryFolder)
        const { pid } = service.process
        // A full body, so that the buffers of ordinary work are there already.
        yield* post(service, bodyOf(mebibyte))
        yield* post(service, `{"payload":${"[".repeat(100_000)}${"]".repeat(100_000)}}`)
        const before = memoryOf(pid).peak
        const { answer, taken } = yield* stream(service, 100 * mebibyte)
        if (answer !== "") assert.match(answer, /^HTTP\/1\.1 413 /)
        // Limit and head room of the body, and what the sockets of both sides hold.
        assert.isAtMost(taken, mebibyte + 65_536 + 8 * mebibyte)
        for (const [open, close] of [["[", "]"], ["{\"a\":", "}"]] as const) {
          const nested = `${open.repeat(100_000)}1${close.repeat(100_000)}`
          const started = performance.now()
          const { status } = yield* post(service, `{"payload":${nested}}`)
          assert.strictEqual(status, 400)
          say("F14, 100,000 deep", { ms: performance.now() - started })
        }
        const bomb = gzipSync(Buffer.alloc(64 * mebibyte))
        const encoded = yield* post(service, bomb, { "content-encoding": "gzip" })
        assert.strictEqual(encoded.status, 415)
        const rise = memoryOf(pid).peak - before
        say("F14", { taken, rise })
        assert.isAtMost(rise, 20)
        assert.strictEqual((yield* call(`${service.url}/livez`, "GET")).status, 200)
        assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
      }),
    process.env["CODEFACTORY_LONG"] === "1" ? 600_000 : 60_000
  )
})
