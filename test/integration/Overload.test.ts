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

const [node = "", ...args] = serve

/** 500 messages of 4 kB per second are consumed, 1,500 published. */
const plan = {
  ...planDefault,
  publishers: 6,
  keys: 300,
  topicOf: (key: number) => `traffic.t${key}`,
  batch: 25,
  rate: 1_500,
  payloadBytes: 4_000,
  keyed: true,
  pullMax: 250,
  thinkMs: 500
}

/** Idempotency keys that the service remembers; a third of a minute brings more. */
const keysMax = 10_000

/** What each full collection left: minutes since the start, and MB. */
const collections = ({ said }: Service) =>
  [...said().matchAll(/(\d+) ms: Mark-Compact.*?-> ([\d.]+) /g)].map(([, ms, mb]) => ({
    minute: Number(ms) / 60_000,
    mb: Number(mb)
  }))

/** MB per minute by least squares, and how far that may be off (its standard error). */
const trendOf = (points: ReadonlyArray<{ readonly minute: number; readonly mb: number }>) => {
  const sum = (of: (point: { readonly minute: number; readonly mb: number }) => number) =>
    points.reduce((total, point) => total + of(point), 0)
  const [middle, mean] = [sum((p) => p.minute) / points.length, sum((p) => p.mb) / points.length]
  const spread = sum((p) => (p.minute - middle) ** 2)
  const slope = sum((p) => (p.minute - middle) * (p.mb - mean)) / spread
  const rest = sum((p) => (p.mb - mean - slope * (p.minute - middle)) ** 2)
  return { slope, error: Math.sqrt(rest / Math.max(1, points.length - 2) / spread) }
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
          // Keys are remembered for an hour: the limit is reached within the warm-up, not after it.
          DEDUP_KEYS_MAX: String(keysMax),
          ...(isLong ? {} : { MESSAGE_BUS_MAX_QUEUE_SIZE: "200" })
        }, group.inside([node, "--trace-gc", ...args]))
        const { finish, records } = yield* traffic(() => service.url, plan)
        yield* Effect.sleep(seconds * 1_000)
        const memory = memoryOf(service.process.pid)
        // The first third lets the shards fill and the heap find its size.
        const points = collections(service).filter(({ minute }) => minute > seconds / 180)
        const verdict = yield* finish
        const trend = trendOf(points)
        const failures = Number(/oom_kill (\d+)/.exec(group.read("memory.oom_control"))?.[1] ?? 0)
        say("F24", { seconds, ...verdict, ...memory, ...trend, points, failures })
        assert.strictEqual(failures, 0)
        assert.deepInclude(verdict, none)
        assert.strictEqual(verdict.unanswered, 0)
        assert.isAbove(records.shed, 0)
        // Shards fill and empty between their watermarks, so the slope has an error. Shorter runs
        // say more of single collections than of growth.
        if (seconds >= 600) assert.isAtMost(trend.slope - 2 * trend.error, 1)
        assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
      }),
    (seconds + 180) * 1_000
  )
})
