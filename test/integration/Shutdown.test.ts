/**
 * The service is told to end while it is published to and consumed from.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import process from "node:process"
import { drain, publish, subscribe } from "./Consume.ts"
import { call, endOf, serve, type Service, start, stop, temporaryFolder } from "./Service.ts"

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
        const first = yield* start(dataDir, {}, way.command, true)
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
