/**
 * Growth: what a message costs while a subscription that nobody serves has a long backlog.
 */
import { Effect, Result } from "effect"
import { optionsDefault, SubscriptionName } from "../../src/domain/Subscription.ts"
import { TopicPattern } from "../../src/domain/TopicPattern.ts"
import { type Bus, draftOfText, handleTexts, openEmbedded } from "../Embedded.ts"
import { Counter } from "../Handing.ts"
import { inPostgres, type Keep, onDisk } from "../Keeping.ts"
import { missingPostgres } from "../load/Postgres.ts"
import { textOf, topicOf } from "../Payloads.ts"
import type { Contender, Workload } from "../Workload.ts"
import { publishTexts } from "./EmbeddedDurable.ts"

const backlogs = [0, 10_000, 100_000, 1_000_000]

/** Messages of one run and publishers that each wait for their reply. */
const size = { messages: 20_000, publishers: 64 }

/** Messages of one call while the backlog is made. */
const batch = 1_000

const idle = SubscriptionName.make("idle")

/** Publishes the backlog before the handler is attached, so that only the idle one waits for it. */
const fill = ({ bus }: Bus, count: number): Effect.Effect<void, unknown> => {
  const next = { from: 0 }
  return Effect.whileLoop({
    while: () => next.from < count,
    body: () => {
      const from = next.from
      next.from += batch
      const drafts = Array.from(
        { length: Math.min(batch, count - from) },
        (_, at) => draftOfText(topicOf(from + at), textOf(from + at))
      )
      return Effect.flatMap(bus.publishMany(drafts), (results) => {
        const refused = results.find(Result.isFailure)
        return refused === undefined ? Effect.void : Effect.fail(refused.failure)
      })
    },
    step: () => {}
  })
}

const named = (backlog: number): string =>
  backlog === 0 ? "no backlog" : `${backlog.toLocaleString("en-US")} messages`

const contender = (keep: Keep) => (backlog: number): Contender => ({
  name: named(backlog),
  kept: "synced to disk",
  x: backlog,
  open: (smoke) =>
    keep(async (options) => {
      const counter = new Counter()
      const wanted = { ...optionsDefault, topic: TopicPattern.make("bench.>") }
      const embedded = await openEmbedded(options, (bus) =>
        Effect.gen(function*() {
          if (backlog > 0) yield* bus.bus.createSubscription(idle, wanted)
          yield* fill(bus, smoke ? Math.min(backlog, 2_000) : backlog)
          yield* handleTexts("bench.>", counter.add)(bus)
        }))
      const count = smoke ? 200 : size.messages
      return {
        run: () => {
          const handled = counter.next(count)
          return publishTexts(embedded, count, size.publishers, () => handled)
        },
        close: embedded.close
      }
    })
})

/** Backlogs of one subscription, beside another that keeps pace. */
export const growthBacklog: Workload = {
  name: "growth-backlog",
  title: "Growth: backlog",
  unit: "messages",
  note:
    `Embedded and synced, texts; ${size.publishers} publishers, and a handler that keeps pace, ` +
    "while a subscription that nobody serves waits with so many messages (and those of the run).",
  aims: [{
    contender: named(1_000_000),
    measure: "cpuMicros",
    bound: "at most",
    value: 1.5,
    of: [named(0)]
  }],
  isolated: true,
  contenders: backlogs.map(contender(onDisk)),
  plotted: "cpuMicros",
  axis: "backlog"
}

/** The same in PostgreSQL, with nothing and with a million. */
export const sharedBacklog: Workload = {
  ...growthBacklog,
  name: "shared-backlog",
  title: "Over PostgreSQL: backlog",
  note: `In PostgreSQL, texts; ${size.publishers} publishers, and a handler that keeps pace, ` +
    "while a subscription that nobody serves waits with so many messages (and those of the run).",
  aims: [{
    contender: named(1_000_000),
    measure: "perSecond",
    bound: "at least",
    value: 1 / 1.2,
    of: [named(0)]
  }],
  contenders: [0, 1_000_000].map(contender(inPostgres)),
  plotted: "perSecond",
  missing: missingPostgres
}
