/**
 * Three times as much as consumers take, in little memory, for long.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import process from "node:process"
import { controlGroup } from "./ControlGroup.ts"
import { serve, type Service, start, stop, temporaryFolder } from "./Service.ts"
import { planDefault, traffic } from "./Traffic.ts"
import { memoryOf, none, say } from "./Verdict.ts"

const isLong = process.env["CODEFACTORY_LONG"] === "1"

/** How long the overload lasts: 10 minutes in the long form, or as the environment says. */
const seconds = Number(process.env["CODEFACTORY_OVERLOAD_SECONDS"] ?? (isLong ? 600 : 5))

/** 500 messages of 4 kB per second are consumed, 1,500 published. */
const plan = {
  ...planDefault,
  publishers: 6,
  keys: 300,
  topicOf: (key: number) => `traffic.t${key}`,
  batch: 25,
  rate: 1_500,
  payloadBytes: 4_000,
  // Keys are remembered for an hour, which is growth up to their own limit.
  keyed: false,
  pullMax: 250,
  thinkMs: 500
}

const heapOf = ({ metricsUrl }: Service) =>
  Effect.promise(async () => {
    const text = await (await fetch(`${metricsUrl}/metrics`)).text()
    return Number(/^nodejs_heap_size_used_bytes (\S+)/m.exec(text)?.[1]) / 1_048_576
  })

/** The least heap of each tenth of a minute: what collections leave. In MB. `isWarm` begins it. */
const watch = (service: Service, isWarm: () => boolean) =>
  Effect.gen(function*() {
    const lows: Array<number> = []
    const endAt = performance.now() + seconds * 1_000
    while (performance.now() < endAt) {
      let low = Infinity
      for (let second = 0; second < 6 && performance.now() < endAt; second++) {
        low = Math.min(low, yield* heapOf(service))
        yield* Effect.sleep("1 second")
      }
      if (isWarm()) lows.push(low)
    }
    return lows
  })

/** MB per minute, by least squares over the last two thirds, for the heap to find its size. */
const slopeOf = (lows: ReadonlyArray<number>): number => {
  const warm = lows.slice(Math.floor(lows.length / 3))
  const middle = (warm.length - 1) / 2
  const mean = warm.reduce((sum, low) => sum + low, 0) / warm.length
  const above = warm.reduce((sum, low, at) => sum + (at - middle) * (low - mean), 0)
  const below = warm.reduce((sum, _, at) => sum + (at - middle) ** 2, 0)
  return below === 0 ? 0 : above / below * 10
}

describe("a service with 512 MB, overloaded", () => {
  it.live(
    `F24, P8, P11: sheds with 429 for ${seconds} s, does not grow, and settles all it accepted`,
    (context) =>
      Effect.gen(function*() {
        const group = yield* controlGroup("memory", { "memory.limit_in_bytes": 512 * 1_048_576 })
        if (group === undefined) return context.skip("no control group of memory can be made here")
        const service = yield* start(yield* temporaryFolder, {
          ENABLE_DATABASE: "0", // Every unsettled message is in memory.
          ...(isLong ? {} : { MESSAGE_BUS_MAX_QUEUE_SIZE: "200" })
        }, group.inside(serve))
        const { finish, records } = yield* traffic(() => service.url, plan)
        const lows = yield* watch(service, () => records.shed > 0)
        const memory = memoryOf(service.process.pid)
        const verdict = yield* finish
        const slope = slopeOf(lows)
        const failures = Number(/oom_kill (\d+)/.exec(group.read("memory.oom_control"))?.[1] ?? 0)
        say("F24", { seconds, ...verdict, ...memory, slope, lows, failures })
        assert.strictEqual(failures, 0)
        assert.deepInclude(verdict, none)
        assert.strictEqual(verdict.unanswered, 0)
        assert.isAbove(records.shed, 0)
        // Shorter than that, the slope says more of single collections than of growth.
        if (seconds >= 600) assert.isAtMost(slope, 1)
        assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
      }),
    (seconds + 180) * 1_000
  )
})
