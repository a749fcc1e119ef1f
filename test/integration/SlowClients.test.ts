/**
 * A crowd of clients that send a byte now and then, or everything at once, among ordinary ones.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import { readdirSync } from "node:fs"
import { connect, type Socket } from "node:net"
import process from "node:process"
import { rawly } from "../edge/Client.ts"
import { call, type Service, start, stop, temporaryFolder } from "./Service.ts"
import { calmP99, memoryOf, say } from "./Verdict.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"
const sockets = isLong ? 2_000 : 300

const openFiles = ({ process: { pid } }: Service) => readdirSync(`/proc/${pid}/fd`).length

const head = "POST /v1/topics/slow.t/messages HTTP/1.1\r\nhost: 127.0.0.1\r\n"
const body = "content-type: application/json\r\ncontent-length: 5000\r\n\r\n{\"payload\":"

/** What is sent at once; what follows comes byte by byte. */
const openings = isLong ? [head, `${head}${body}`] : [head]

interface Slow {
  readonly socket: Socket
  isClosed: boolean
}

/** Opens the crowd, which goes on sending one byte every 10 s. */
const crowd = (service: Service): Effect.Effect<ReadonlyArray<Slow>, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() =>
      Array.from({ length: sockets }, (_, at): Slow => {
        const socket = connect(Number(new URL(service.url).port), "127.0.0.1")
        const slow = { socket, isClosed: false }
        const timer = setInterval(() => socket.write("x"), 10_000)
        socket.on("error", () => undefined)
        socket.on("data", () => undefined)
        socket.on("close", () => {
          clearInterval(timer)
          slow.isClosed = true
        })
        socket.write(openings[at % openings.length] ?? "")
        return slow
      })
    ),
    (slow) => Effect.sync(() => slow.forEach(({ socket }) => socket.destroy()))
  )

/** Publishes one by one; gives the 99th percentile in milliseconds. */
const publishes = ({ url }: Service, count: number) =>
  Effect.gen(function*() {
    const latencies: Array<number> = []
    for (let n = 0; n < count; n++) {
      const before = performance.now()
      const { status } = yield* call(`${url}/v1/topics/usual.t/messages`, "POST", { payload: n })
      assert.strictEqual(status, 202)
      latencies.push(performance.now() - before)
    }
    return calmP99(latencies)
  })

/** Waits until something holds, at most 90 s: the slowest are given 35 s by the design. */
const until = (holds: () => boolean) =>
  Effect.gen(function*() {
    for (let tries = 0; tries < 900 && !holds(); tries++) yield* Effect.sleep(100)
    return holds()
  })

describe("slow and hasty clients", () => {
  it.live(
    "F20: a crowd that sends by the byte is cut off, and hinders nobody",
    () =>
      Effect.gen(function*() {
        const service = yield* start(yield* temporaryFolder)
        const count = isLong ? 1_000 : 100
        yield* publishes(service, count)
        const alone = yield* publishes(service, count)
        const files = openFiles(service)
        const slow = yield* crowd(service)
        assert.isTrue(yield* until(() => openFiles(service) >= files + sockets))
        const before = performance.now()
        const beside = yield* publishes(service, count)
        assert.isTrue(yield* until(() => slow.every(({ isClosed }) => isClosed)))
        const closedMs = performance.now() - before
        assert.isTrue(yield* until(() => openFiles(service) <= files + 5))
        say("F20", { sockets, alone, beside, closedMs, files, after: openFiles(service) })
        if (isLong) assert.isAtMost(beside, 2 * alone + 5)
        assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
      }),
    isLong ? 600_000 : 120_000
  )

  it.live("F21: pipelined requests are answered in order, oversized heads refused", () =>
    Effect.gen(function*() {
      const service = yield* start(yield* temporaryFolder)
      const port = Number(new URL(service.url).port)
      yield* publishes(service, 100)
      const before = memoryOf(service.process.pid).peak
      const count = isLong ? 10_000 : 1_000
      const bombs = yield* Effect.forkChild(Effect.forEach(
        Array.from({ length: isLong ? 1_000 : 100 }, (_, at) => at),
        (at) => {
          const bomb = at % 2 === 0
            ? `x-bomb: ${"y".repeat(16_385)}\r\n`
            : Array.from({ length: 2_001 }, (_, n) => `x-${n}: ${n}\r\n`).join("")
          return rawly(port, `${head}${bomb}\r\n`)
        },
        { concurrency: 8 }
      ))
      const requests = Array.from(
        { length: count },
        (_, n) => `GET /v1/messages/${n} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`
      )
      const last = `GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`
      const text = yield* rawly(port, requests.join("") + last)
      const statuses = text.match(/HTTP\/1\.1 \d+/g) ?? []
      assert.strictEqual(statuses.length, count + 1)
      assert.strictEqual(statuses.at(-1), "HTTP/1.1 200")
      for (const answer of yield* Fiber.join(bombs)) {
        assert.match(answer, /^HTTP\/1\.1 (431|400) /)
      }
      const rise = memoryOf(service.process.pid).peak - before
      say("F21", { count, rise })
      assert.isAtMost(rise, isLong ? 20 : 40)
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))
})
