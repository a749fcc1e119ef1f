/**
 * Several processes over one Redis, while processes and the Redis die, stand still and come back.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Random, type Scope } from "effect"
import { join } from "node:path"
import process from "node:process"
import type { Server } from "../servers/Redis.ts"
import { redisServer } from "../servers/Redises.ts"
import { launch, root, type Service, start, temporaryFolder } from "./Service.ts"
import { planDefault, traffic } from "./Traffic.ts"
import { say } from "./Verdict.ts"

const server = redisServer()

const isLong = process.env["CODEFACTORY_LONG"] === "1"

/** Hand-overs to wait for, and how often a process is killed or stopped meanwhile. */
const handOvers = isLong ? 1_000 : 200
const faults = isLong ? 40 : 6

const contender = join(root, "test", "integration", "fixtures", "contender.ts")

/** A process that contends for the lease. */
const contending = (url: string, name: string) =>
  Effect.map(
    launch([process.execPath, "--disable-warning=ExperimentalWarning", contender, url, name], {}),
    ({ child }) => child
  )

/** What was written with a token: by whom, and when by the clock of the server. */
interface Write {
  readonly token: number
  readonly owner: string
  readonly at: number
  readonly verdict: string
}

const writesOf = ({ cli }: Server): ReadonlyArray<Write> =>
  cli("LRANGE", "test:writes:{contended}", "0", "-1").split("\n").flatMap((line) => {
    const [token, owner, at, verdict] = line.split(" ")
    return verdict === undefined || owner === undefined
      ? []
      : [{ token: Number(token), owner, at: Number(at), verdict }]
  })

/** Only ends what hangs. */
const timeoutMs = 600_000

describe("processes that share a Redis", () => {
  it.live(
    "F8: contended, with holders killed and stopped, a token has one holder and none is older",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const redis = yield* server
        const children = yield* Effect.all(
          [1, 2, 3].map((pod) => contending(redis.url, `pod-${pod}-1`))
        )
        const accepted = () => writesOf(redis).filter(({ verdict }) => verdict === "accepted")
        const tokens = () => new Set(accepted().map(({ token }) => token)).size
        for (let fault = 0; fault < faults; fault++) {
          const wanted = Math.ceil(handOvers * (fault + 1) / faults)
          while (tokens() < wanted) yield* Effect.sleep("50 millis")
          const pod = yield* Random.nextIntBetween(0, 2)
          if (fault % 2 === 0) {
            children[pod]?.kill("SIGKILL")
            children[pod] = yield* contending(redis.url, `pod-${pod + 1}-${fault + 2}`)
          } else {
            children[pod]?.kill("SIGSTOP")
            yield* Effect.sleep("1500 millis")
            children[pod]?.kill("SIGCONT")
          }
        }
        const all = accepted()
        const owners = Map.groupBy(all, ({ token }) => token)
        assert.isAtLeast(owners.size, handOvers)
        for (const [token, writes] of owners) {
          assert.strictEqual(new Set(writes.map(({ owner }) => owner)).size, 1, String(token))
        }
        const written = all.map(({ token }) => token)
        assert.deepStrictEqual(written, written.toSorted((a, b) => a - b))
        const refused = writesOf(redis).length - all.length
        const gap = Math.max(...all.slice(1).map(({ at }, before) => at - (all[before]?.at ?? at)))
        process.stdout.write(
          `${owners.size} hand-overs, ${faults} faults: ${refused} stale writes refused, ` +
            `longest time without a holder ${gap} ms\n`
        )
      })),
    timeoutMs
  )

  const under = (fault: (redis: Server) => Effect.Effect<void>) =>
    Effect.scoped(Effect.gen(function*() {
      const redis = yield* server
      const service = yield* overRedis(redis.url)
      const running = yield* traffic(() => service.url, { ...planDefault, rate: 200 })
      yield* Effect.sleep("1 second")
      yield* fault(redis)
      yield* Effect.sleep("1 second")
      const verdict = yield* running.finish
      assert.isNull(service.process.exitCode, service.said())
      say("Redis away", verdict)
      const { accepted, duplicates, inversions, lost, phantoms } = verdict
      assert.isAbove(accepted, 100)
      assert.deepStrictEqual([duplicates, inversions, lost, phantoms], [0, 0, 0, 0])
      assert.include(service.said(), "rate limits are counted in this pod, by its share")
    }))

  const away = isLong ? "20 seconds" : "3 seconds"

  it.live(
    "F2: killed for seconds under traffic, Redis costs no message",
    () =>
      under(({ kill, start }) => Effect.andThen(kill, Effect.andThen(Effect.sleep(away), start))),
    timeoutMs
  )

  it.live(
    "F4: standing still for seconds under traffic, Redis costs no message",
    () =>
      under(({ process }) =>
        Effect.gen(function*() {
          process().kill("SIGSTOP")
          yield* Effect.sleep(away)
          process().kill("SIGCONT")
        })
      ),
    timeoutMs
  )
})

/** The service with a rate limit that is shared and never reached. */
const overRedis = (url: string): Effect.Effect<Service, never, Scope.Scope> =>
  Effect.orDie(Effect.flatMap(temporaryFolder, (folder) =>
    start(folder, {
      ENABLE_REDIS: "1",
      REDIS_URL: url,
      RATE_LIMIT_MAX_REQUESTS: "1000000"
    })))
