import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { rawly } from "./Client.ts"
import { onDeno } from "./Platform.ts"
import { served } from "./Served.ts"

/** The answer to a bare request line. */
const asked = (port: number, line: string) =>
  rawly(port, `${line} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`)

describe("methods that a route does not have", () => {
  it.live("are answered 405 with Allow and a problem document, the rare ones too", () =>
    Effect.gen(function*() {
      const { port } = yield* served
      for (const method of ["OPTIONS", "TRACE", "POST", "PATCH", "PROPFIND", "QUERY"]) {
        const text = yield* asked(port, `${method} /v1/info`)
        assert.match(text, /^HTTP\/1\.1 405 /, method)
        assert.match(text, /\r\nallow: GET, HEAD\r\n/i, method)
        assert.include(text, "/problems/method-not-allowed", method)
      }
    }))

  it.live("CONNECT asks for a tunnel, which there is none of", () =>
    Effect.gen(function*() {
      const { ask, port } = yield* served
      const text = yield* asked(port, "CONNECT example.com:443")
      assert.match(text, /^HTTP\/1\.1 405 [^]*method-not-allowed/)
      assert.strictEqual((yield* ask("/livez")).status, 200)
    }))

  it.live("a method that HTTP does not know is refused, and an upgrade as if not asked", () =>
    Effect.gen(function*() {
      const { port } = yield* served
      const unknown = yield* asked(port, "FETCH /v1/info") // To Deno it is a method.
      assert.match(unknown, onDeno ? /^HTTP\/1\.1 405 / : /^HTTP\/1\.1 400 [^]*http-malformed/)
      const upgrade = "GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade, close\r\n" +
        "upgrade: h2c\r\n\r\n"
      assert.match(yield* rawly(port, upgrade), /^HTTP\/1\.1 200 /)
      assert.match(yield* asked(port, "OPTIONS *"), /^HTTP\/1\.1 404 /)
    }))
})
