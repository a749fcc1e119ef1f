/**
 * The service under Deno, with the permissions that `deno task start` gives it and no others.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { openStream, until } from "../edge/EventStream.ts"
import { drain, publish, subscribe } from "./Consume.ts"
import { deno, denoMissing, denoServe } from "./DenoCommand.ts"
import {
  call,
  endOf,
  onFreePorts,
  root,
  runToEnd,
  serve,
  start,
  stop,
  temporaryFolder
} from "./Service.ts"

const underDeno = (dataDir: string, settings: Readonly<Record<string, string>> = {}) =>
  start(dataDir, settings, denoServe(dataDir))

describe("the service under Deno", () => {
  it.live(
    "loses nothing that it accepted when it is killed, and leaves a log for Node",
    (context) =>
      Effect.gen(function*() {
        if (denoMissing !== undefined) return context.skip(denoMissing)
        const dataDir = yield* temporaryFolder
        const first = yield* underDeno(dataDir)
        yield* subscribe(first.url, "s")
        const answers = yield* Effect.forEach(
          Array.from({ length: 200 }),
          (_, n) => publish(first.url, n),
          { concurrency: 16 }
        )
        assert.isTrue(
          answers.every(({ body, status }) => status === 202 && body.durability === "local")
        )
        assert.strictEqual(yield* stop(first, "SIGKILL"), "SIGKILL")
        const second = yield* start(dataDir, {}, serve)
        const delivered = new Set(yield* drain(second.url, "s"))
        assert.deepStrictEqual(answers.filter(({ body }) => !delivered.has(body.id)), [])
        assert.strictEqual(yield* stop(second, "SIGTERM"), 0)
        const third = yield* underDeno(dataDir)
        assert.deepStrictEqual(yield* drain(third.url, "s", 10), [])
        assert.strictEqual(yield* stop(third, "SIGTERM"), 0, third.said())
      }),
    60_000
  )

  it.live(
    "P7: takes acks while it ends, ends event streams, and exits with 0",
    (context) =>
      Effect.gen(function*() {
        if (denoMissing !== undefined) return context.skip(denoMissing)
        const dataDir = yield* temporaryFolder
        const service = yield* underDeno(dataDir, { DRAIN_SECONDS: "20" })
        yield* subscribe(service.url, "s")
        const path = "/v1/subscriptions/s/events"
        const stream = yield* openStream(Number(new URL(service.url).port), path)
        yield* until("the head", () => stream.head() !== "")
        yield* publish(service.url, 1)
        yield* until("the event", () => stream.events.length === 1)
        const pulled = `${service.url}/v1/subscriptions/s`
        const { body } = yield* call(`${pulled}/pull`, "POST", { max: 1, waitMs: 5_000 })
        const ackIds = body.deliveries.map(({ ackId }) => ackId)
        service.process.kill("SIGTERM")
        service.process.kill("SIGTERM")
        assert.strictEqual((yield* call(`${pulled}/ack`, "POST", { ackIds })).status, 200)
        assert.strictEqual(yield* endOf(service.process), 0, service.said())
        yield* until("the end of the stream", stream.isClosed)
      }),
    60_000
  )

  it.live(
    "in memory, ends with 3 when something is lost, and says how much",
    (context) =>
      Effect.gen(function*() {
        if (denoMissing !== undefined) return context.skip(denoMissing)
        const dataDir = yield* temporaryFolder
        const settings = { ENABLE_DATABASE: "0", DRAIN_SECONDS: "0" }
        const service = yield* underDeno(dataDir, settings)
        yield* subscribe(service.url, "s")
        yield* publish(service.url, 1)
        const metrics = yield* Effect.promise(() => fetch(`${service.metricsUrl}/metrics`))
        const text = yield* Effect.promise(() => metrics.text())
        assert.include(text, "message_bus_published_total 1")
        assert.match(text, /^process_resident_memory_bytes [1-9]/m)
        assert.strictEqual(yield* stop(service, "SIGTERM"), 3, service.said())
        assert.include(service.said(), "1 deliveries were not settled and are lost")
      }),
    60_000
  )

  it.live(
    "names illegal settings with 78, and a port that it may not have with 71",
    (context) =>
      Effect.gen(function*() {
        if (denoMissing !== undefined) return context.skip(denoMissing)
        const dataDir = yield* temporaryFolder
        const command = denoServe(dataDir)
        const illegal = yield* runToEnd(command, { ...onFreePorts(dataDir), PORT: "x" })
        assert.strictEqual(illegal.code, 78, illegal.err)
        assert.include(illegal.err, "PORT")
        const denied = yield* runToEnd(command, { ...onFreePorts(dataDir), HOST: "127.0.0.2" })
        assert.strictEqual(denied.code, 71, denied.err)
      }),
    60_000
  )

  it.live("`deno check` finds nothing", (context) =>
    Effect.gen(function*() {
      if (denoMissing !== undefined) return context.skip(denoMissing)
      const checked = yield* runToEnd([deno, "task", "--cwd", root, "check"])
      assert.strictEqual(checked.code, 0, checked.err)
    }), 100_000)
})
