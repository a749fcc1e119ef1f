/**
 * The partitions of a log that pods share: taken over and given back, some at a time.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Subscription } from "../domain/Subscription.ts"
import type { LogUnavailable, LogUnopened, Recovered } from "./MessageLog.ts"

/** What was taken over. */
export interface TakenOver {
  /** All there are, as of then: every pod knows all of them. */
  readonly subscriptions: ReadonlyArray<Subscription>
  /** By partition, what stood in it. */
  readonly parts: ReadonlyMap<number, Recovered>
  /**
   * Opens the partitions, which take messages from then on. Not before: what they take must find
   * a bus that has begun with them, so that goes on in the same step.
   */
  readonly open: () => void
}

/** The partitions. Whoever takes one over fences whoever had it before. */
export class LogPartitions extends Context.Service<LogPartitions, {
  /** Takes over all of these, or none. */
  readonly take: (
    partitions: ReadonlyArray<number>
  ) => Effect.Effect<TakenOver, LogUnopened | LogUnavailable>
  /**
   * Gives these back, after what waits is stored. That has a time limit, because a partition that
   * another pod needs must go even if the store is away; what was not stored is refused.
   */
  readonly giveBack: (partitions: ReadonlyArray<number>) => Effect.Effect<void>
  /** All subscriptions that there are now. */
  readonly subscriptions: Effect.Effect<ReadonlyArray<Subscription>, LogUnavailable>
  /** Runs an effect while no other pod does so: for changes of subscriptions. */
  readonly alone: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E | LogUnavailable>
  /** The number of a new subscription: each is given once, whatever pod asks. */
  readonly nextIncarnation: Effect.Effect<number, LogUnavailable>
}>()("codefactory/services/LogPartitions") {}
