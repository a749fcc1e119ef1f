/**
 * The service over a real PostgreSQL: what is accepted outlives the service and the server, both of
 * which are killed, and connections that are cut.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, type Scope } from "effect"
import { databases, run } from "../servers/Databases.ts"
import { proxy } from "../servers/Proxy.ts"
import { call, type Service, start, stop, temporaryFolder } from "./Service.ts"
import { planDefault, traffic } from "./Traffic.ts"
import { none, say, type Verdict } from "./Verdict.ts"

const { newDatabase, server } = databases()

const isLong = process.env["CODEFACTORY_LONG"] === "1"

/** Faults of one run, and how far apart. */
const rounds = isLong ? 20 : 3
const apart = Duration.millis(1_500)

/** What a slow connection brings comes so much later, in milliseconds. */
const lateMs = isLong ? 3_000 : 1_000

/** 300 messages per second in 50 keys. */
const plan = { ...planDefault, rate: 300 }

/** A fault; gives the service that is there after it. */
type Fault = (service: Service, url: string) => Effect.Effect<Service, never, Scope.Scope>

const startOver = (url: string): Effect.Effect<Service, never, Scope.Scope> =>
  Effect.orDie(
    Effect.flatMap(temporaryFolder, (folder) => start(folder, { DATABASE_URL: url }))
  )

/** Traffic while a fault happens again and again. */
const under = Effect.fnUntraced(function*(fault: Fault) {
  const url = yield* newDatabase
  const state = { service: yield* startOver(url) }
  const running = yield* traffic(() => state.service.url, plan)
  yield* Effect.sleep(apart)
  for (let round = 0; round < rounds; round++) {
    state.service = yield* fault(state.service, url)
    yield* Effect.sleep(apart)
  }
  const verdict = yield* running.finish
  assert.isNull(state.service.process.exitCode, state.service.said())
  return verdict
}, Effect.scoped)

/** Nothing lost, in order, nothing that was not sent; refusals are no loss. */
const assertKept = (what: string, verdict: Verdict): void => {
  say(what, verdict)
  const { accepted, duplicates, inversions, lost, phantoms } = verdict
  assert.isAbove(accepted, 100) // It was under way all the time.
  assert.deepStrictEqual({ duplicates, inversions, lost, phantoms }, {
    duplicates: none.duplicates,
    inversions: none.inversions,
    lost: none.lost,
    phantoms: none.phantoms
  })
}

/** Only ends what hangs. */
const timeoutMs = 600_000

describe("the service over PostgreSQL", () => {
  it.live(
    "F1: killed again and again, it loses nothing accepted and keeps the order of each key",
    () =>
      Effect.map(
        under((service, url) => Effect.andThen(stop(service, "SIGKILL"), startOver(url))),
        (verdict) => assertKept("service killed", verdict)
      ),
    timeoutMs
  )

  it.live(
    "F6: a server that is stopped at once and comes back costs no message and no restart",
    () =>
      Effect.map(
        under((service) =>
          Effect.gen(function*() {
            const { start, stop } = yield* server
            yield* stop("immediate")
            yield* Effect.sleep("500 millis")
            yield* start
            return service
          })
        ),
        (verdict) => assertKept("server stopped", verdict)
      ),
    timeoutMs
  )

  it.live(
    "F6: all connections ended at once, again and again",
    () =>
      Effect.map(
        under((service, url) => Effect.as(run(url, cutSql), service)),
        (verdict) => assertKept("connections cut", verdict)
      ),
    timeoutMs
  )

  it.live(
    "F6: seconds of latency on 3 of 10 connections: slower, and nothing else",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const url = yield* newDatabase
        const { port } = yield* server
        const slow = yield* proxy(
          port,
          (n) => ({ delayMs: [1, 4, 7].includes(n % 10) ? lateMs : 0 })
        )
        const service = yield* startOver(url.replace(`:${port}/`, `:${slow.port}/`))
        // Each waits for its own replies, so there are many.
        const running = yield* traffic(() => service.url, { ...plan, keys: 200, publishers: 100 })
        yield* Effect.sleep(isLong ? "2 minutes" : "8 seconds")
        assertKept("slow connections", yield* running.finish)
        assert.isAbove(slow.taken(), 1) // One of them was slow.
        assert.isNull(service.process.exitCode, service.said())
      })),
    timeoutMs
  )

  it.live(
    "F6: a transaction that stays open beside it for a long time",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const url = yield* newDatabase
        const service = yield* startOver(url)
        const running = yield* traffic(() => service.url, plan)
        yield* run(
          url,
          `BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM codefactory.partitions;
           SELECT * FROM codefactory.blocks; SELECT pg_sleep(${isLong ? 90 : 6}); COMMIT`
        )
        assertKept("a transaction beside", yield* running.finish)
        assert.isNull(service.process.exitCode, service.said())
      })),
    timeoutMs
  )

  it.live(
    "F6: while the server is away publishes are refused with 503, and soon after it they are not",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const url = yield* newDatabase
        const service = yield* startOver(url)
        const publish = Effect.map(
          call(`${service.url}/v1/topics/t/messages`, "POST", { payload: 1 }),
          ({ status }) => status
        )
        assert.strictEqual(yield* Effect.orDie(publish), 202)
        const { start, stop } = yield* server
        yield* stop("fast")
        assert.strictEqual(yield* Effect.orDie(publish), 503)
        assert.strictEqual((yield* Effect.orDie(call(`${service.url}/livez`, "GET"))).status, 200)
        yield* start
        const accepted = Effect.filterOrFail(publish, (status) => status === 202)
        yield* Effect.orDie(Effect.retry(
          Effect.tapError(accepted, () => Effect.sleep("100 millis")),
          { times: 200 }
        ))
      })),
    timeoutMs
  )
})

const cutSql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'codefactory'`
