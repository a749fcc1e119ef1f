/**
 * The tenure of a bus: partitions that it begins to serve, or no longer serves, while it runs.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Subscription } from "../domain/Subscription.ts"
import type { MessageBus } from "./MessageBus.ts"
import type { LogUnavailable, Recovered } from "./MessageLog.ts"
import type { OtherPods, Ran, RelayedRun, TailFeed } from "./OtherPods.ts"
import type { Reply, Requests } from "./Requests.ts"

/** Begins and ends the serving of partitions. */
export class Tenure extends Context.Service<Tenure, {
  /** Begins with partitions that the log has just taken over, each with what stood in it. */
  readonly begin: (parts: ReadonlyMap<number, Recovered>) => void
  /**
   * Prepares the end: hands nothing of these out any more, waits for running handlers up to a
   * limit, and stores progress and live leases for whoever comes next.
   */
  readonly prepare: (partitions: ReadonlyArray<number>) => Effect.Effect<void, LogUnavailable>
  /** Ends at once, whatever goes on: what is unsettled belongs to another process now. */
  readonly end: (partitions: ReadonlyArray<number>) => void
  /** Makes subscriptions known that another process created or changed. */
  readonly welcome: (subscriptions: ReadonlyArray<Subscription>) => Effect.Effect<void>
  /** Ends a subscription that another process deleted. */
  readonly dismiss: (incarnation: number) => Effect.Effect<void>
  /** How often a subscription was told that it may have something to hand out; 0 if unknown. */
  readonly wakes: (name: string) => number
  /** Waits until it is told so again. */
  readonly woken: (name: string, since: number) => Effect.Effect<void>
  /** Lets other pods do for this one what it cannot do alone. */
  readonly among: (others: OtherPods) => void
  readonly feed: TailFeed
  /** Runs a handler of this pod for a delivery of another one. */
  readonly run: (run: RelayedRun) => Effect.Effect<Ran>
  /** Requests whose messages are published in another way. */
  readonly requestsOver: (publish: MessageBus["Service"]["publish"]) => Requests
  /** Takes a reply of another pod; whether somebody waited for it. */
  readonly reply: (topic: string, reply: Reply) => boolean
  /**
   * Where a subscription that is created now begins in the lanes of the partitions that are served
   * here: at the end, or at what is kept. Other lanes are 0.
   */
  readonly starts: (from: "now" | "earliest") => ReadonlyArray<number>
}>()("codefactory/services/Tenure") {}
