/**
 * Subscriptions over pods: every pod knows all of them, and one pod at a time changes them.
 *
 * A new one begins where each owner says its lanes are at that moment, and every owner knows it
 * before whoever created it hears of it; so nothing published after that is missed.
 */
import * as Effect from "effect/Effect"
import { logLaneCount, partitionOfLogLane } from "../../domain/Position.ts"
import {
  compare,
  conflictingField,
  type Subscription,
  SubscriptionConflict,
  type SubscriptionName,
  type SubscriptionOptions,
  SubscriptionUnknown
} from "../../domain/Subscription.ts"
import { isReserved } from "../../domain/Topic.ts"
import { PatternReserved } from "../../domain/TopicPattern.ts"
import type { LogPartitions } from "../../services/LogPartitions.ts"
import type { MessageBus } from "../../services/MessageBus.ts"
import type { MessageLog } from "../../services/MessageLog.ts"
import type { Tenure } from "../../services/Tenure.ts"
import { operated } from "./Narrowing.ts"
import type { Peers } from "./Peers.ts"
import { type Said, valueOf } from "./Wire.ts"

/** What changing subscriptions takes. */
export interface SubscribingOptions {
  readonly bus: MessageBus["Service"]
  readonly log: MessageLog["Service"]
  readonly partitions: LogPartitions["Service"]
  readonly peers: Peers
  readonly tenure: Tenure["Service"]
}

/** Stores it and makes it known everywhere. */
const announce = Effect.fnUntraced(function*(
  { log, peers, tenure }: SubscribingOptions,
  subscription: Subscription
) {
  yield* log.commit({ subscriptions: [subscription] })
  yield* tenure.welcome([subscription])
  yield* operated(peers.gather({ kind: "welcome", subscription }))
  return subscription
})

const creating = (options: SubscribingOptions) =>
  Effect.fnUntraced(function*(name: SubscriptionName, wanted: SubscriptionOptions) {
    const { partitions, tenure } = options
    const existing = (yield* partitions.subscriptions).find((one) => one.name === name)
    if (existing === undefined) {
      const starts = yield* startsOf(options, wanted.from)
      const incarnation = yield* partitions.nextIncarnation
      const made = yield* announce(options, { incarnation, name, options: wanted, starts })
      return { created: "New" as const, subscription: made }
    }
    const created = compare(existing.options, wanted)
    if (created === undefined) {
      const field = conflictingField(existing.options, wanted) ?? "topic"
      return yield* new SubscriptionConflict({ name, field })
    }
    yield* tenure.welcome([existing])
    if (created === "Same") return { created, subscription: existing }
    return { created, subscription: yield* announce(options, { ...existing, options: wanted }) }
  })

/** The part of a bus that changes subscriptions, over all pods. */
export const subscribing = (options: SubscribingOptions) => {
  const { bus, log, partitions, peers, tenure } = options
  const refresh = Effect.flatMap(partitions.subscriptions, tenure.welcome)

  const create = creating(options)

  const createSubscription: MessageBus["Service"]["createSubscription"] = (name, wanted) =>
    isReserved(wanted.topic)
      // Announcements and replies are of this pod alone.
      ? wanted.mode === "broadcast"
        ? bus.createSubscription(name, wanted)
        : Effect.fail(new PatternReserved({ pattern: wanted.topic }))
      : partitions.alone(create(name, wanted))

  const deleteSubscription: MessageBus["Service"]["deleteSubscription"] = (name) =>
    partitions.alone(Effect.gen(function*() {
      const existing = (yield* partitions.subscriptions).find((one) => one.name === name)
      if (existing === undefined) return yield* new SubscriptionUnknown({ name })
      const { incarnation } = existing
      yield* log.commit({ subscriptionsRemoved: [incarnation] })
      yield* tenure.dismiss(incarnation)
      yield* operated(peers.gather({ kind: "dismiss", incarnation }))
    }))

  /** Another pod may have created it just now: then it is read, and the effect made once more. */
  const known = <A, E extends { readonly _tag: string }, R>(
    effect: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> =>
    Effect.catch(effect, (error) =>
      error._tag === "SubscriptionUnknown"
        ? Effect.andThen(Effect.ignore(refresh), effect)
        : Effect.fail(error))

  return {
    refresh,
    known,
    changes: {
      createSubscription,
      deleteSubscription,
      subscription: (name: string) => known(bus.subscription(name)),
      handle: ((name, wanted, handler, retry, extras) =>
        Effect.andThen(
          createSubscription(name, wanted),
          bus.handle(name, wanted, handler, retry, extras)
        )) satisfies MessageBus["Service"]["handle"]
    }
  }
}

/** Where it begins in every lane, as the owner of each says. */
const startsOf = Effect.fnUntraced(function*(
  { log, peers, tenure }: SubscribingOptions,
  from: SubscriptionOptions["from"]
) {
  const said = yield* operated(peers.gather({ kind: "starts", from }))
  const own = tenure.starts(from)
  const starts = (one: Said, lane: number): number =>
    one.owned.includes(partitionOfLogLane(lane))
      ? valueOf<ReadonlyArray<number>>(one)[lane] ?? 0
      : 0
  return Array.from({ length: logLaneCount }, (_, lane) =>
    log.owns(partitionOfLogLane(lane))
      ? own[lane] ?? 0
      // One that moved meanwhile was told by two: the later one knows what the first one stored.
      : said.reduce((most, one) => Math.max(most, starts(one, lane)), 0))
})
