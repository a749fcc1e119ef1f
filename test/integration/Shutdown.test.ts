/**
 * The service is told to end while it is published to and consumed from.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import process from "node:process"
import { drain, publish, subscribe } from "./Consume.ts"
import {
  call,
  endOf,
  launch,
  onFreePorts,
  serve,
  type Service,
  start,
  stop,
  temporaryFolder
} from "./Service.ts"

const publishers = 16

/** Publishes one by one until the service answers 503 or not at all. */
const publishOn = ({ url }: Service, ids: Set<string>, enough: Deferred.Deferred<void>) =>
  Effect.gen(function*() {
    for (;;) {
      const { body, status } = yield* publish(url, "x")
      if (status !== 202) return status
      ids.add(body.id)
      if (ids.size >= 300) yield* Deferred.succeed(enough, undefined)
    }
  }).pipe(Effect.catch(() => Effect.succeed("no answer")))

/** Ways to be told to end: how the service is started, and who gets which signals. */
const ways: ReadonlyArray<{
  readonly way: string
  readonly command: ReadonlyArray<string>
  readonly end: (service: Service) => void
}> = [
  {
    way: "SIGTERM, and a second one at once",
    command: serve,
    end: ({ process: child }) => {
      child.kill("SIGTERM")
      child.kill("SIGTERM")
    }
  },
  {
    way: "SIGINT",
    command: serve,
    end: ({ process: child }) => void child.kill("SIGINT")
  },
  {
    way: "Ctrl-C in the terminal that runs `node tools/run.mjs src/main.ts serve`",
    command: [process.execPath, "tools/run.mjs", "src/main.ts", "serve"],
    // A terminal sends it to the whole group: bootstrap and service both get it.
    end: ({ process: child }) => void process.kill(-(child.pid ?? 0), "SIGINT")
  }
]

describe("a service that is told to end under load", () => {
  it.live.each(ways)(
    "P7: ends with 0 and loses nothing it accepted: $way",
    (way) =>
      Effect.gen(function*() {
        const dataDir = yield* temporaryFolder
        const first = yield* start(dataDir, { DRAIN_SECONDS: "2" }, way.command, true)
        yield* subscribe(first.url, "stopped")
        yield* subscribe(first.url, "waiting")
        const ids = new Set<string>()
        const enough = yield* Deferred.make<void>()
        const load = yield* Effect.forEach(
          Array.from({ length: publishers }),
          () => Effect.forkChild(publishOn(first, ids, enough))
        )
        const waiting = yield* Effect.forkChild(Effect.exit(
          call(`${first.url}/v1/subscriptions/waiting/pull`, "POST", { max: 1, waitMs: 30_000 })
        ))
        yield* Deferred.await(enough)
        way.end(first)
        assert.strictEqual(yield* endOf(first.process), 0, first.said())
        for (const end of yield* Effect.forEach(load, Fiber.join)) {
          assert.include([503, "no answer"], end)
        }
        yield* Fiber.await(waiting)

        const second = yield* start(dataDir)
        const delivered = new Set(yield* drain(second.url, "stopped"))
        // What was committed but not answered any more may be delivered as well.
        assert.deepStrictEqual([...ids].filter((id) => !delivered.has(id)), [])
        assert.strictEqual(yield* stop(second, "SIGTERM"), 0)
      }),
    60_000
  )
})

/** A service with one message leased to this test. */
const leased = (settings: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const dataDir = yield* temporaryFolder
    const service = yield* start(dataDir, settings)
    yield* subscribe(service.url, "s")
    yield* publish(service.url, 1)
    const pulled = `${service.url}/v1/subscriptions/s`
    const { body } = yield* call(`${pulled}/pull`, "POST", { max: 1, waitMs: 5_000 })
    return { dataDir, service, pulled, ackIds: body.deliveries.map(({ ackId }) => ackId) }
  })

/** Asks until the status is the expected one; gives the last one asked for. */
const becomes = (url: string, method: string, status: number, body?: unknown) =>
  Effect.gen(function*() {
    for (let tries = 0; tries < 500; tries++) {
      const answer = yield* call(url, method, body)
      if (answer.status === status) return status
      yield* Effect.sleep(20)
    }
    return 0
  })

describe("a service that is told to end while a consumer works", () => {
  it.live(
    "P7: is unready at once, takes publishes for the delay, and acks until its end",
    () =>
      Effect.gen(function*() {
        const settings = { PRESTOP_DELAY_SECONDS: "2", DRAIN_SECONDS: "20" }
        const { ackIds, pulled, service } = yield* leased(settings)
        service.process.kill("SIGTERM")
        assert.strictEqual(yield* becomes(`${service.url}/readyz`, "GET", 503), 503)
        assert.strictEqual((yield* publish(service.url, 2)).status, 202)
        const messages = `${service.url}/v1/topics/load.test/messages`
        assert.strictEqual(yield* becomes(messages, "POST", 503, { payload: 3 }), 503)
        service.process.kill("SIGTERM")
        assert.strictEqual(
          (yield* call(`${pulled}/pull`, "POST", { max: 1, waitMs: 0 })).status,
          503
        )
        const acked = yield* call(`${pulled}/ack`, "POST", { ackIds })
        assert.deepInclude(acked, { status: 200 })
        // It ends early: nothing is handed out any more.
        assert.strictEqual(yield* endOf(service.process), 0, service.said())
        assert.include(service.said(), "SIGTERM heard again")
      }),
    60_000
  )

  it.live(
    "P7: a lease that outlives the drain is honoured by the successor, with its ack id",
    () =>
      Effect.gen(function*() {
        const { ackIds, dataDir, service } = yield* leased({ DRAIN_SECONDS: "1" })
        assert.strictEqual(yield* stop(service, "SIGTERM"), 0, service.said())
        const second = yield* start(dataDir, { DRAIN_SECONDS: "0" })
        const subscription = `${second.url}/v1/subscriptions/s`
        const pulled = yield* call(`${subscription}/pull`, "POST", { max: 1, waitMs: 500 })
        assert.deepStrictEqual(pulled.body.deliveries, [])
        const acked = yield* call(`${subscription}/ack`, "POST", { ackIds })
        assert.strictEqual(JSON.stringify(acked.body), `{"done":1,"unknown":[]}`)
        assert.strictEqual(yield* stop(second, "SIGTERM"), 0)
      }),
    60_000
  )

  it.live(
    "P7: told to end while it starts, it ends, and its store can be opened",
    () =>
      Effect.gen(function*() {
        const dataDir = yield* temporaryFolder
        for (const afterMs of [60, 150, 250, 350, 500]) {
          const { child, text } = yield* launch(serve, onFreePorts(dataDir))
          yield* Effect.sleep(afterMs)
          child.kill("SIGTERM")
          // Before the program listens to signals, they end it as they end any process.
          assert.include([0, "SIGTERM"], yield* endOf(child), `${text.out}${text.err}`)
        }
        const last = yield* start(dataDir)
        assert.strictEqual(yield* stop(last, "SIGTERM"), 0)
      }),
    60_000
  )
})
