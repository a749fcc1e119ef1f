/**
 * Two pods over one Redis behind a network that fails: one publishes under idempotency keys, which
 * need Redis, and one without, which do not.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import process from "node:process"
import { type Fault, faultyProxy } from "../servers/FaultyProxy.ts"
import { redisServer } from "../servers/Redises.ts"
import { type Service, start, temporaryFolder } from "./Service.ts"
import { planDefault, type Traffic, traffic } from "./Traffic.ts"

const redis = redisServer()

const isLong = process.env["CODEFACTORY_LONG"] === "1"

/** How long a fault lasts, and the traffic before and after it. */
const faultTime = isLong ? "20 seconds" : "3 seconds"
const quietTime = isLong ? "5 seconds" : "2 seconds"

/** Ends what hangs. */
const timeoutMs = 180_000

const podOver = (port: number): Effect.Effect<Service, never, Scope.Scope> =>
  Effect.orDie(Effect.flatMap(temporaryFolder, (folder) =>
    start(folder, {
      ENABLE_REDIS: "1",
      REDIS_URL: `redis://127.0.0.1:${port}`,
      RATE_LIMIT_MAX_REQUESTS: "1000000"
    })))

/** The time within which 99 of 100 were accepted, in milliseconds. */
const p99 = (latencies: ReadonlyArray<number>): number =>
  latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length * 0.99)] ?? 0

/** Each state of the breaker that the metrics of a service show, until the scope closes. */
const watched = (service: Service) =>
  Effect.gen(function*() {
    const states = new Set<string>()
    const look = Effect.promise(() => fetch(`${service.metricsUrl}/metrics`)).pipe(
      Effect.flatMap((answer) => Effect.promise(() => answer.text())),
      Effect.map((text) => {
        const state = /^redis_circuit_open (\S+)/m.exec(text)?.[1]
        if (state !== undefined) states.add(state)
        return state
      })
    )
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(look, Effect.sleep("100 millis"))))
    return { states, look }
  })

const fresh = ({ records }: Traffic, from: number) => records.latencies.slice(from)

describe("a Redis behind a network that fails", () => {
  it.live.each<readonly [Fault, string]>([
    ["refuses", "F2"],
    ["stalls", "F4"],
    ["resets", "F4"],
    ["slows", "F3"]
  ])(
    "costs no message while it %s (%s), and publishes without keys go on",
    ([fault]) =>
      Effect.scoped(Effect.gen(function*() {
        const { port } = yield* redis
        const proxy = yield* faultyProxy(port)
        const [keyed, free] = yield* Effect.all([podOver(proxy.port), podOver(proxy.port)])
        const breaker = yield* watched(keyed)
        const plan = { ...planDefault, rate: 100 }
        const withKeys = yield* traffic(() => keyed.url, plan)
        const without = yield* traffic(() => free.url, { ...plan, keyed: false })
        yield* Effect.sleep(quietTime)
        const before = without.records.latencies.length
        yield* proxy.become(fault)
        yield* Effect.sleep(faultTime)
        const during = fresh(without, before)
        yield* proxy.become("passes")
        yield* Effect.sleep(quietTime)
        const verdicts = yield* Effect.all([withKeys.finish, without.finish])
        for (const { accepted, duplicates, inversions, lost, phantoms } of verdicts) {
          assert.isAbove(accepted, 100)
          assert.deepStrictEqual([duplicates, inversions, lost, phantoms], [0, 0, 0, 0])
        }
        assert.sameMembers([...without.records.statuses.keys()], [202])
        assert.isEmpty(
          [...withKeys.records.statuses.keys()].filter((at) => at !== 202 && at !== 503)
        )
        if (fault === "refuses" || fault === "stalls") assert.include([...breaker.states], "1")
        assert.strictEqual(yield* breaker.look, "0")
        process.stdout.write(
          `Redis ${fault}: keyed ${JSON.stringify(Object.fromEntries(withKeys.records.statuses))}` +
            `, slowest answer ${Math.round(withKeys.records.slowestMs)} ms; without keys p99 ` +
            `${p99(without.records.latencies.slice(0, before)).toFixed(1)} ms before, ` +
            `${p99(during).toFixed(1)} ms during ` +
            `(${during.length} accepted), slowest ${Math.round(without.records.slowestMs)} ms\n`
        )
      })),
    timeoutMs
  )
})
