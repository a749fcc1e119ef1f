/**
 * Isolation: how long publishers wait while handlers take the time of a processor.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { optionsDefault, SubscriptionName } from "../../src/domain/Subscription.ts"
import { TopicName } from "../../src/domain/Topic.ts"
import { TopicPattern } from "../../src/domain/TopicPattern.ts"
import * as InThread from "../../src/layers/executor/InThread.ts"
import * as WorkerThreads from "../../src/layers/executor/WorkerThreads.ts"
import * as LocalSessions from "../../src/layers/sessions/LocalSessions.ts"
import type { PublishOptions } from "../../src/services/CodeFactory.ts"
import { Executor } from "../../src/services/Executor.ts"
import { Sessions } from "../../src/services/Sessions.ts"
import { sessionValues } from "../../src/services/SessionValues.ts"
import { type Bus, draftOfText, type Embedded, openEmbedded } from "../Embedded.ts"
import { Latencies } from "../Latencies.ts"
import { root } from "../load/Processes.ts"
import { textOf } from "../Payloads.ts"
import { timed } from "../Timing.ts"
import type { Contender, Workload } from "../Workload.ts"
import { shortHandlers } from "./InTheWay.ts"

/** Publishes that are measured: so many a second, for so long. */
const light = { rate: 500, seconds: 2 }

/** What the handlers get meanwhile: half of the time of a processor, in large or small pieces. */
const pieces = [{ millis: 10, rate: 50 }, { millis: 1, rate: 500 }]

const secondsSmoke = 0.2

/** The agent of `bench/agents`, which takes so much time as its message says. */
const agent = {
  name: "Spin",
  url: pathToFileURL(join(root, "bench", "agents", "Spin.ts")).href,
  version: 1
}

const lightTopic = TopicName.make("bench.light")
const heavyTopic = TopicName.make("bench.heavy")

/** Attaches the agent, run by an executor. */
const attach =
  (executor: Layer.Layer<Executor>) => (bus: Bus): Effect.Effect<void, unknown, Scope.Scope> =>
    Effect.gen(function*() {
      const { load, run } = yield* Executor
      const [handler] = yield* load(agent, { isHeavyLazy: false, isCheckSkipped: false })
      if (handler === undefined) return yield* Effect.die("the agent has no handler")
      const sessions = sessionValues(
        Context.get(yield* Layer.build(LocalSessions.layer()), Sessions)
      )
      yield* bus.bus.handle(
        SubscriptionName.make("heavy"),
        { ...optionsDefault, topic: TopicPattern.make(heavyTopic) },
        (delivery) =>
          run(
            handler,
            delivery,
            {
              publish: (topic, payload, options) =>
                bus.publish(topic, payload, options as PublishOptions),
              sessions
            }
          )
      )
    }).pipe((effect) =>
      Effect.flatMap(
        Layer.build(executor),
        (context) => Effect.provideContext(effect, context)
      )
    )

/** Publishes what is due at each turn of the event loop; resolves once all is accepted. */
const pace = (
  { bus: { bus }, run }: Embedded,
  streams: ReadonlyArray<{
    readonly rate: number
    readonly count: number
    readonly draft: (index: number) => ReturnType<typeof draftOfText>
    readonly accepted: (lateMillis: number) => void
  }>
): Promise<unknown> => {
  const started = performance.now()
  return Promise.all(
    streams.map(({ accepted, count, draft, rate }) =>
      new Promise((resolve, reject) => {
        const state = { sent: 0, accepted: 0 }
        const turn = () => {
          for (; state.sent < count; state.sent++) {
            const due = started + state.sent * 1_000 / rate
            if (due > performance.now()) break
            run(bus.publish(draft(state.sent))).then(() => {
              accepted(performance.now() - due)
              if (++state.accepted === count) resolve(undefined)
            }, reject)
          }
          if (state.sent < count) setImmediate(turn)
        }
        turn()
      })
    )
  )
}

/** Resolves to how many messages the agent has handled, once none is pending. */
const handled = async (embedded: Embedded): Promise<number> => {
  const [counters] = embedded.bus.bus.snapshot().subscriptions
  if (counters?.pending === 0) return counters.acked
  await new Promise((resolve) => setTimeout(resolve, 10))
  return await handled(embedded)
}

const contender = (
  name: string,
  executor: Layer.Layer<Executor>,
  { millis, rate }: typeof pieces[number]
): Contender => ({
  name,
  kept: "in memory",
  open: async (smoke) => {
    const embedded = await openEmbedded({ profile: "memory" }, attach(executor))
    const seconds = smoke ? secondsSmoke : light.seconds
    const [lights, heavies] = [light.rate * seconds, rate * seconds]
    const heavyText = JSON.stringify({ millis })
    const run = () => {
      const latencies = new Latencies()
      return timed(lights + heavies, async () => {
        const before = await handled(embedded)
        await pace(embedded, [
          {
            rate: light.rate,
            count: lights,
            draft: (index) => draftOfText(lightTopic, textOf(index)),
            accepted: (late) => latencies.record(late)
          },
          {
            rate,
            count: heavies,
            draft: () => draftOfText(heavyTopic, heavyText),
            accepted: () => {}
          }
        ])
        return latencies.count + await handled(embedded) - before
      }, () => latencies.values())
    }
    return { run, close: embedded.close }
  }
})

const here = "codefactory, InThread"
const there = "codefactory, WorkerThreads"

const workerThread = WorkerThreads.layer({ threads: 1 })

/** One workload for each size of the pieces. */
export const heavyHandlers: ReadonlyArray<Workload> = pieces.map((piece) => ({
  name: `heavy-${piece.millis}ms`,
  title: `Publishing beside handlers that take ${piece.millis} ms`,
  unit: "messages",
  note: `${light.rate} publishes a second are measured, from the moment each is due until it is ` +
    `accepted, while an agent gets ${piece.rate} messages a second, each of which it computes ` +
    `${piece.millis} ms for: half of the time of a processor. InThread runs handlers in the ` +
    "thread that publishes, WorkerThreads in one beside it.",
  aims: [{
    contender: there,
    measure: "p99",
    bound: "at most",
    value: 1 / 3,
    of: [here],
    inTheWay: shortHandlers
  }],
  isolated: true,
  contenders: [contender(here, InThread.layer, piece), contender(there, workerThread, piece)],
  plotted: "p99"
}))
