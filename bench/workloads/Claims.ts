/**
 * Idempotency keys: publishes of which each claims one, in this process or at all that share Redis.
 */
import { Effect } from "effect"
import { Redis } from "ioredis"
import { draftOfText, handleTexts, openEmbedded, publishEach } from "../Embedded.ts"
import { Latencies } from "../Latencies.ts"
import { missingRedis, withRedis } from "../load/Redis.ts"
import { textOf, topicOf } from "../Payloads.ts"
import { timed } from "../Timing.ts"
import type { Contender, Opened, Workload } from "../Workload.ts"

/** Publishers at once, and messages of one run. */
const inFlight = 64
const size = { all: 40_000, smoke: 200 }

/** Keys of one run after the other differ, or the second would only find repeats. */
const keysOf = () => {
  const state = { run: 0 }
  return () => {
    const run = ++state.run
    return (index: number) => `key-${run}-${index}`
  }
}

/** A bus in memory whose publishes have keys, or none. */
const bus = async (
  smoke: boolean,
  redisUrl: string | undefined,
  isKeyed: boolean
): Promise<Opened> => {
  const options = { profile: "memory" as const, ...redisUrl === undefined ? {} : { redisUrl } }
  const { bus: { bus }, close, run } = await openEmbedded(
    options,
    handleTexts("bench.>", () => {})
  )
  const count = smoke ? size.smoke : size.all
  const next = keysOf()
  return {
    close,
    run: () => {
      const keyOf = next()
      const latencies = new Latencies()
      return timed(count, async () => {
        await run(publishEach(0, count, inFlight, (index) =>
          Effect.suspend(() => {
            const started = performance.now()
            const draft = draftOfText(topicOf(index), textOf(index))
            return Effect.map(
              bus.publish(isKeyed ? { ...draft, idempotencyKey: keyOf(index) } : draft),
              () => latencies.record(performance.now() - started)
            )
          })))
        return latencies.count
      }, () => latencies.values())
    }
  }
}

/** What a claim costs a program that makes it itself: two commands, before and after its work. */
const bare: Contender = {
  name: "SET NX, SET",
  kept: "nothing",
  open: (smoke) =>
    withRedis(async (url) => {
      const client = new Redis(url, { enableAutoPipelining: true })
      const count = smoke ? size.smoke : size.all
      const next = keysOf()
      return {
        close: async () => void await client.quit(),
        run: () => {
          const keyOf = next()
          const latencies = new Latencies()
          const state = { next: 0 }
          const publisher = async (): Promise<void> => {
            while (state.next < count) {
              const key = keyOf(state.next++)
              const started = performance.now()
              if (await client.set(key, "claimed", "PX", 60_000, "NX") === null) continue
              await client.set(key, "accepted", "PX", 3_600_000)
              latencies.record(performance.now() - started)
            }
          }
          return timed(count, async () => {
            await Promise.all(Array.from({ length: inFlight }, publisher))
            return latencies.count
          }, () => latencies.values())
        }
      }
    })
}

/** Claims, with and without Redis. */
export const claims: Workload = {
  name: "claims",
  title: "Publishing under idempotency keys",
  unit: "publishes",
  note: `A bus in memory, ${inFlight} publishers, each message under a key of its own: claimed ` +
    "before and completed after. Beside it the two commands that a program would send by itself.",
  aims: [],
  isolated: true,
  missing: missingRedis,
  contenders: [
    { name: "no keys", kept: "nothing", open: (smoke) => bus(smoke, undefined, false) },
    { name: "keys in the process", kept: "nothing", open: (smoke) => bus(smoke, undefined, true) },
    {
      name: "keys over Redis",
      kept: "nothing",
      open: (smoke) => withRedis((url) => bus(smoke, url, true))
    },
    bare
  ]
}
