/**
 * The accounts: what became of every message, and the law that the numbers obey.
 */
import { Data, Effect, Schedule } from "effect"
import { CodeFactory } from "../../src/CodeFactory.ts"
import type { SubscriptionSnapshot } from "../../src/domain/Snapshot.ts"
import { matcher } from "../../src/domain/TopicPattern.ts"
import { table } from "./Table.ts"

/** A message is unaccounted for, or was still pending when the wait for it ended. */
export class Unbalanced extends Data.TaggedError("Unbalanced")<{ readonly reason: string }> {}

/** Waits until no delivery is pending: 0.1 s for retries, more on a busy machine. */
export const settled = CodeFactory.use(({ bus }) =>
  Effect.suspend(() => {
    const pending = bus.snapshot().subscriptions.reduce((sum, one) => sum + one.pending, 0)
    return pending === 0
      ? Effect.void
      : Effect.fail(new Unbalanced({ reason: `${pending} deliveries are still pending` }))
  }).pipe(
    Effect.retry(Schedule.spaced("10 millis").pipe(Schedule.upTo({ duration: "1 minute" })))
  )
)

/** One line for each subscription. */
export const subscriptionTable = CodeFactory.use(({ bus }) =>
  Effect.sync(() => table(header, bus.snapshot().subscriptions.toSorted(byName).map(rowOf)))
)

/**
 * The law: the ledger has every message, each subscription matched all of them that its pattern
 * wants, and each of these, and each replayed one, was acked, became a dead letter, or is pending.
 */
export const balance = (ledger: ReadonlyMap<string, number>) =>
  CodeFactory.use(({ bus }) =>
    Effect.gen(function*() {
      const { published, subscriptions } = bus.snapshot()
      const snapshots = new Map(subscriptions.map((one) => [one.name, one]))
      const written = count(ledger, () => true)
      if (written !== published) {
        const reason = `the ledger has ${written} of ${published} messages`
        return yield* new Unbalanced({ reason })
      }
      for (const { name, options } of yield* bus.subscriptions) {
        const wanted = count(ledger, matcher(options.topic))
        const found = snapshots.get(name)
        if (found === undefined || found.matched !== wanted || settlements(found) !== due(found)) {
          return yield* new Unbalanced({ reason: `${name}: ${wanted} wanted, but ${show(found)}` })
        }
      }
      return snapshots.size
    })
  )

const count = (ledger: ReadonlyMap<string, number>, wants: (topic: string) => boolean): number =>
  Array.from(ledger).reduce((sum, [topic, times]) => sum + (wants(topic) ? times : 0), 0)

const due = ({ matched, replayed, unread }: SubscriptionSnapshot): number =>
  matched + unread + replayed

const settlements = (one: SubscriptionSnapshot): number =>
  one.acked + one.deadLettered + one.expired + one.dropped + one.pending

const show = (one: SubscriptionSnapshot | undefined): string =>
  one === undefined ? "it is gone" : JSON.stringify({ ...one, callbackLatency: undefined })

const byName = (a: SubscriptionSnapshot, b: SubscriptionSnapshot): number =>
  a.name < b.name ? -1 : 1

const header = [
  "subscription",
  "matched",
  "replayed",
  "acked",
  "dead-lettered",
  "pending",
  "retries",
  "letters kept"
]

const rowOf = (one: SubscriptionSnapshot) => [
  one.name,
  one.matched,
  one.replayed,
  one.acked,
  one.deadLettered,
  one.pending,
  one.redelivered,
  one.deadLetters
]
