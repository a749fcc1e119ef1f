import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { createServer } from "node:http"
import { connect } from "node:net"
import * as Bus from "../../src/layers/bus/Bus.ts"
import { eventRoutes } from "../../src/layers/edge/EventRoutes.ts"
import { beginStream } from "../../src/layers/edge/NodeStream.ts"
import * as MemoryLog from "../../src/layers/log/MemoryLog.ts"
import { MessageBus } from "../../src/services/MessageBus.ts"
import { draft, named, options } from "../layers/bus/Drafts.ts"
import { until } from "./EventStream.ts"

const busLayer = Bus.layer(Bus.optionsDefault).pipe(Layer.provide(Layer.fresh(MemoryLog.layer)))

describe("the times of a stream", () => {
  it.live("a comment tells that it lives, with a position once messages of others passed", () =>
    Effect.gen(function*() {
      const bus = yield* MessageBus
      yield* bus.createSubscription(named("s"), options("mine"))
      const [route = assert.fail()] = eventRoutes(bus, { heartbeatMs: 20, retryMs: 1 })
      const texts: Array<string> = []
      yield* Effect.forkScoped(route.handle({
        head: { method: "GET", path: "", query: "", header: () => undefined, remote: () => "" },
        caller: { grant: undefined },
        params: { name: "s" },
        body: new Uint8Array(),
        begin: () =>
          Effect.succeed({
            write: (pieces) => texts.push(pieces.map(String).join("")) > 0,
            room: Effect.void
          })
      }))
      yield* until("two heartbeats", () => texts.length >= 3)
      assert.match(texts[0] ?? "", /^retry: 1\nid: \S+\n\n$/)
      assert.strictEqual(texts[1], ":\n\n")
      yield* bus.publish(draft("other", 1))
      yield* until("a position", () => texts.some((text) => /^:\nid: \S+\n\n$/.test(text)))
      yield* bus.publish(draft("mine", 2))
      yield* until("the message", () => texts.some((text) => text.includes("event: message\n")))
    }).pipe(Effect.provide(busLayer)))

  it.live("a reader that takes nothing is cut off; one that is slow is not", () =>
    Effect.gen(function*() {
      const ended: Array<string> = []
      const server = createServer((request, response) => {
        const name = request.url ?? ""
        const sink = beginStream(response, "text/x", {}, 1_000)
        response.on("close", () => void ended.push(name))
        const fill = Effect.forever(
          Effect.andThen(sink.room, Effect.sync(() => sink.write(["x".repeat(65_536)])))
        )
        const fiber = Effect.runFork(fill)
        response.on("close", () => fiber.interruptUnsafe())
      })
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void server.listen(0, () => resume(Effect.void))),
        () => Effect.sync(() => server.close())
      )
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const slow = connect(port, "127.0.0.1")
      slow.write("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
      slow.on("data", () => {
        slow.pause() // A little at a time.
        setTimeout(() => slow.resume(), 5)
      })
      const stuck = connect(port, "127.0.0.1")
      stuck.write("GET /stuck HTTP/1.1\r\nhost: a\r\n\r\n")
      stuck.pause()
      yield* until("the end of the stuck one", () => ended.includes("/stuck"))
      yield* Effect.sleep("2500 millis")
      assert.deepStrictEqual(ended, ["/stuck"])
      slow.destroy()
      stuck.destroy()
      yield* until("the end of the slow one", () => ended.includes("/slow"))
    }))
})
