/**
 * Signals: what one process says, heard by several others over Redis.
 */
import { Context, Effect, Exit, Layer, Redacted, Scope } from "effect"
import { Redis } from "ioredis"
import * as RedisDriver from "../../src/layers/drivers/redis/Redis.ts"
import * as RedisSignals from "../../src/layers/signals/RedisSignals.ts"
import { Signals } from "../../src/services/Signals.ts"
import { publishEach } from "../Embedded.ts"
import { Counter } from "../Handing.ts"
import { missingRedis, withRedis } from "../load/Redis.ts"
import { textOf } from "../Payloads.ts"
import { timed } from "../Timing.ts"
import type { Contender, Workload } from "../Workload.ts"

/** Who listens, and what is said in one run, so many at a time. */
const listeners = 8
const size = { all: 40_000, smoke: 100 }
const inFlight = 64

/** Says one text to all who listen. */
interface Saying {
  readonly say: (text: string) => Effect.Effect<unknown, unknown>
  readonly close: () => Promise<void>
}

const contender = (
  name: string,
  open: (url: string, heard: () => void) => Promise<Saying>
): Contender => ({
  name,
  kept: "nothing",
  open: (smoke) =>
    withRedis(async (url) => {
      const counter = new Counter()
      const { close, say } = await open(url, counter.add)
      const count = smoke ? size.smoke : size.all
      return {
        close,
        run: () =>
          timed(count * listeners, async () => {
            const before = counter.count
            const all = counter.next(count * listeners)
            await Effect.runPromise(
              publishEach(0, count, inFlight, (index) => say(textOf(index)))
            )
            await all
            return counter.count - before
          })
      }
    })
})

const ours = contender("codefactory", async (url, heard) => {
  const scope = Scope.makeUnsafe()
  const member = () => {
    const redis = RedisDriver.layer({ url: Redacted.make(url), prefix: "bench:" })
    return Effect.map(
      Layer.buildWithScope(Layer.fresh(Layer.provide(RedisSignals.layer, redis)), scope),
      (context) => Context.get(context, Signals)
    )
  }
  const speaker = await Effect.runPromise(member())
  for (let at = 0; at < listeners; at++) {
    const listener = await Effect.runPromise(member())
    await Effect.runPromise(
      Scope.provide(listener.listen("bench", { said: heard, missed: () => {} }), scope)
    )
  }
  return {
    say: (text) => speaker.send("bench", text),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
})

const bare = contender("PUBLISH", async (url, heard) => {
  const speaker = new Redis(url, { enableAutoPipelining: true })
  const all: Array<Redis> = []
  for (let at = 0; at < listeners; at++) {
    const listener = new Redis(url)
    await listener.subscribe("bench")
    listener.on("message", heard)
    all.push(listener)
  }
  return {
    say: (text) => Effect.promise(() => speaker.publish("bench", text)),
    close: async () => void await Promise.all([speaker, ...all].map((client) => client.quit()))
  }
})

/** Signals beside the bare command. */
export const signals: Workload = {
  name: "signals",
  title: `Signals over Redis, ${listeners} listeners`,
  unit: "signals heard",
  note: `One speaker, ${inFlight} signals at a time, each heard by ${listeners} listeners with a ` +
    "connection of their own, all in one process. The bus numbers its signals and tells who " +
    "listens what it has missed.",
  aims: [
    {
      contender: ours.name,
      measure: "perSecond",
      bound: "at least",
      value: 0.9,
      of: [bare.name],
      inTheWay: (of) =>
        `Every signal is cut into origin, number and text, and looked up by its origin: ` +
        `${of(ours.name, "cpuMicros")} µs of this process for one that is heard, against ` +
        `${of(bare.name, "cpuMicros")} µs.`
    }
  ],
  isolated: true,
  missing: missingRedis,
  contenders: [ours, bare]
}
