import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Scope } from "effect"
import * as Bus from "../../src/layers/bus/Bus.ts"
import * as MemoryLog from "../../src/layers/log/MemoryLog.ts"
import { EdgeAddress } from "../../src/services/EdgeAddress.ts"
import { MessageBus } from "../../src/services/MessageBus.ts"
import type { LogUnopened, MessageLog } from "../../src/services/MessageLog.ts"
import { draft } from "../layers/bus/Drafts.ts"
import { blockLog } from "../layers/bus/Edges.ts"
import { ask, type Asked } from "./Client.ts"
import { openStream, until } from "./EventStream.ts"
import { openEdge } from "./OpenDoors.ts"

const roomy = { slotsMax: 1_000_000, bytesMax: 2 ** 34 }

/** The edge over the bus itself, with a subscription `s` of everything. */
const started = (
  log: Layer.Layer<MessageLog, LogUnopened> = Layer.fresh(MemoryLog.layer),
  tailsMax = 10_000
) =>
  Effect.gen(function*() {
    const bus = Bus.layer({ ...Bus.optionsDefault, limits: roomy, drainMs: 0, tailsMax })
    const context = yield* Layer.build(
      openEdge().pipe(Layer.provideMerge(bus), Layer.provide(log))
    )
    const address = yield* Effect.provide(EdgeAddress, context)
    const call = (path: string, asked?: Asked) => ask(`${address.url}/v1${path}`, asked)
    yield* call("/subscriptions/s", {
      method: "PUT",
      body: JSON.stringify({ topic: ">", mode: "broadcast" })
    })
    return {
      ...address,
      call,
      bus: yield* Effect.provide(MessageBus, context),
      stream: (query = "", headers = {}) =>
        openStream(address.port, `/v1/subscriptions/s/events${query}`, headers)
    }
  })

const numbers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => draft(`t.${n % 5}`, from + n))

const payloadsOf = (events: ReadonlyArray<{ readonly event: string; readonly data: string }>) =>
  events.filter(({ event }) => event === "message").map(({ data }) => JSON.parse(data).payload)

const range = (count: number, from = 0) => Array.from({ length: count }, (_, n) => from + n)

describe("an event stream", () => {
  it.live("shows every message to every connection, byte for byte on one line", () =>
    Effect.gen(function*() {
      const edge = yield* started()
      const streams = [yield* edge.stream(), yield* edge.stream()]
      yield* until("the head", () => streams.every(({ lastId }) => lastId() !== ""))
      const head = streams[0]?.head().toLowerCase() ?? ""
      assert.match(head, /^http\/1\.1 200 /)
      for (
        const line of ["text/event-stream", "cache-control: no-cache", "x-accel-buffering: no"]
      ) {
        assert.include(head, line)
      }
      assert.notInclude(head, "content-length")
      const payload = "{\"n\": 1.0,\n \"big\":12345678901234567890,\r\"text\":\"a\\nb é\"}"
      yield* edge.call("/topics/t/messages", { body: `{"payload":${payload},"key":"k"}` })
      yield* until("an event", () => streams.every(({ events }) => events.length === 1))
      for (const { events: [received] } of streams) {
        assert.strictEqual(received?.event, "message")
        assert.include(received?.data, `"payload":${payload.replaceAll(/[\r\n]/g, " ")},"key":"k"`)
        assert.deepStrictEqual(JSON.parse(received?.data ?? "").payload, JSON.parse(payload))
      }
    }))

  it.live("resumes behind the last id: repeats at most 64 and loses none", () =>
    Effect.gen(function*() {
      const edge = yield* started(blockLog())
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(edge.stream(), scope)
      yield* until("the head", () => first.lastId() !== "")
      yield* edge.bus.publishMany(numbers(1_000))
      yield* until("the events", () => first.events.length === 1_000)
      yield* Scope.close(scope, Exit.void)
      yield* edge.bus.publishMany(numbers(500, 1_000))
      const ids = first.events.flatMap(({ id }, at) => id === undefined ? [] : [{ at, id }])
      const { at, id } = ids[Math.floor(ids.length / 2)] ?? { at: -1, id: "" }
      for (const [query, headers] of [["", { "last-event-id": id }], [`?lastEventId=${id}`, {}]]) {
        const resumed = yield* edge.stream(query as string, headers as object)
        yield* until("the rest", () => resumed.events.length >= 1_500 - at - 1)
        const payloads = payloadsOf(resumed.events).toSorted((a, b) => a - b)
        assert.deepStrictEqual(payloads, range(1_500 - at - 1, at + 1))
      }
      assert.isAtMost(999 - (ids.at(-1)?.at ?? 0), 64)
      const earliest = yield* edge.stream("?from=earliest")
      yield* until("everything", () => earliest.events.length === 1_500)
    }))

  it.live(
    "a slow reader leaves the others alone and catches up without loss from a log",
    () =>
      Effect.gen(function*() {
        const edge = yield* started(blockLog())
        const slow = yield* edge.stream()
        const quick = yield* edge.stream()
        yield* until("the heads", () => slow.lastId() !== "" && quick.lastId() !== "")
        slow.socket.pause()
        const text = "x".repeat(2_000) // More than the ring and the buffers of the sockets hold.
        const count = 21_000
        for (let from = 0; from < count; from += 1_000) {
          const batch = range(1_000, from).map((n) => draft(`t.${n % 5}`, [n, text]))
          yield* edge.bus.publishMany(batch)
          yield* until("the quick one", () => quick.events.length === from + 1_000)
        }
        const [open] = [edge.bus.snapshot().tails]
        assert.deepInclude(open, { open: 2, gaps: 0 })
        slow.socket.resume()
        yield* until("the slow one", () => slow.events.length >= count)
        const seen = payloadsOf(slow.events).map(([n]) => n)
        assert.strictEqual(new Set(seen).size, count)
        assert.lengthOf(seen, count)
      }),
    60_000
  )

  it.live(
    "a slow reader of a log that forgets is told what it missed",
    () =>
      Effect.gen(function*() {
        const edge = yield* started()
        const slow = yield* edge.stream()
        yield* until("the head", () => slow.lastId() !== "")
        slow.socket.pause()
        const text = "x".repeat(4_000)
        const count = 21_000
        for (let from = 0; from < count; from += 1_000) {
          yield* edge.bus.publishMany(range(1_000, from).map((n) => draft("t", [n, text])))
          yield* Effect.sleep("1 millis")
        }
        slow.socket.resume()
        yield* until("the end", () => payloadsOf(slow.events.slice(-1))[0]?.[0] === count - 1)
        const gaps = slow.events.filter(({ event }) => event === "gap")
        const missed = gaps.reduce((sum, { data }) => sum + JSON.parse(data).missed, 0)
        assert.isAbove(missed, 0)
        assert.strictEqual(JSON.parse(gaps[0]?.data ?? "").reason, "slow")
        assert.isTrue(gaps.every(({ id }) => id !== undefined))
        assert.strictEqual(payloadsOf(slow.events).length + missed, count)
      }),
    60_000
  )

  it.live("refuses with a problem before it begins; HEAD answers the head alone", () =>
    Effect.gen(function*() {
      const edge = yield* started(undefined, 1)
      const cases: ReadonlyArray<readonly [path: string, status: number, type: string]> = [
        ["/subscriptions/nobody/events", 404, "subscription-unknown"],
        ["/subscriptions/s/events?from=then", 400, "fields-invalid"],
        ["/subscriptions/s/events?lastEventId=x", 400, "position-invalid"]
      ]
      for (const [path, status, type] of cases) {
        const answer = yield* edge.call(path)
        assert.deepStrictEqual([answer.status, answer.json.type], [status, `/problems/${type}`])
      }
      const head = yield* edge.call("/subscriptions/s/events", { method: "HEAD" })
      assert.deepStrictEqual([head.status, head.text], [200, ""])
      assert.include(head.headers["content-type"], "text/event-stream")
      const only = yield* edge.stream()
      yield* until("the head", () => only.lastId() !== "")
      const full = yield* edge.call("/subscriptions/s/events")
      assert.deepStrictEqual([full.status, full.json.type], [503, "/problems/tail-limit"])
      const metrics = (yield* ask(`${edge.metricsUrl}/metrics`)).text.split("\n")
      assert.include(metrics, "message_bus_tails 1")
    }))

  it.live("ends with its subscription, its client and the server", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const edge = yield* Scope.provide(started(), scope)
      const open = () => edge.bus.snapshot().tails.open
      yield* edge.call("/subscriptions/other", { method: "PUT", body: "{\"topic\":\"a\"}" })
      const other = yield* openStream(edge.port, "/v1/subscriptions/other/events")
      const gone = yield* edge.stream()
      const kept = yield* edge.stream()
      yield* until("all heads", () => [other, gone, kept].every(({ lastId }) => lastId() !== ""))
      yield* edge.call("/subscriptions/other", { method: "DELETE" })
      yield* until("the end of its tail", () => open() === 2)
      gone.socket.destroy()
      yield* until("the end of the tail of a client", () => open() === 1)
      yield* Scope.close(scope, Exit.void)
      yield* until("the end of the connection", () => kept.isClosed())
      assert.strictEqual(open(), 0)
    }))
})
