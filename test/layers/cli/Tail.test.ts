import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer } from "node:http"
import { runCli } from "./RunCli.ts"

const event = (n: number, id = "") =>
  `event: message\n${id === "" ? "" : `id: ${id}\n`}data: {"id":"id-${n}","topic":"orders",` +
  `"payload":{"n":1234567890123456789${n}},"key":${n === 2 ? "\"k\\u001b\"" : "null"}}\n\n`

/** A bus whose streams are these texts, one after the other; the last one stays open. */
const streaming = (texts: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly asked: Array<string>; close: () => void }>(
      (resume) => {
        const asked: Array<string> = []
        let stream = 0
        const server = createServer((request, response) => {
          const { headers, method, url = "" } = request
          asked.push(`${method} ${url} ${headers["last-event-id"] ?? "-"}`)
          if (!url.includes("/events")) {
            response.writeHead(method === "GET" ? 404 : 201, { "content-type": "application/json" })
            request.resume().on("data", (chunk) => asked.push(String(chunk)))
            return request.on("end", () => response.end("{\"topic\":\"orders\"}"))
          }
          response.writeHead(200, { "content-type": "text/event-stream" })
          response.write(texts[stream++] ?? "")
          if (stream < texts.length) setTimeout(() => response.destroy(), 100) // Once it was read.
          return response
        })
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          const close = () => {
            server.close()
            server.closeAllConnections()
          }
          resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, asked, close }))
        })
      }
    ),
    ({ close }) => Effect.sync(close)
  )

describe("codefactory tail", () => {
  it.live("creates a broadcast subscription and prints what comes, gaps aside", () =>
    Effect.gen(function*() {
      const gap = "event: gap\nid: p\ndata: {\"reason\":\"slow\",\"missed\":7}\n\n"
      const bus = yield* streaming([`retry: 2000\nid: o\n\n:\n\n${event(1)}${gap}${event(2)}`])
      const { code, err, out } = yield* runCli([
        ...["tail", "watch", "--topic", "orders.>", "--count", "2", "--url", bus.url]
      ])
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(out.split("\n"), [
        "orders {\"n\":12345678901234567891}",
        "orders [k\\u001b] {\"n\":12345678901234567892}"
      ])
      assert.include(err, "messages are missing: {\"reason\":\"slow\",\"missed\":7}")
      assert.include(err, "2 messages shown")
      assert.include(bus.asked, "{\"topic\":\"orders.>\",\"from\":\"now\",\"mode\":\"broadcast\"}")
      assert.include(bus.asked, "GET /v1/subscriptions/watch/events?from=now -")
    }))

  it.live(
    "takes a lost stream up again behind the last id, and prints JSON as it came",
    () =>
      Effect.gen(function*() {
        const bus = yield* streaming([`id: start\n\n${event(1, "one")}`, event(2)])
        const { out } = yield* runCli([
          ...["tail", "watch", "--topic", "orders", "--from", "earliest", "--count", "2"],
          ...["--json", "--url", bus.url]
        ])
        assert.deepStrictEqual(out.split("\n").map((line) => JSON.parse(line).id), ["id-1", "id-2"])
        assert.include(out, "{\"n\":12345678901234567891}")
        assert.deepStrictEqual(bus.asked.filter((line) => line.includes("events")), [
          "GET /v1/subscriptions/watch/events?from=earliest -",
          "GET /v1/subscriptions/watch/events one"
        ])
      }),
    20_000
  )
})
