/**
 * The handlers that are attached in this pod, which run for other pods as well.
 */
import * as Effect from "effect/Effect"
import { type Fates, noFates } from "../../domain/Fate.ts"
import type { RetryPolicy } from "../../domain/RetryPolicy.ts"
import type { SubscriptionName } from "../../domain/Subscription.ts"
import type { Handler, HandlerExtras } from "../../services/MessageBus.ts"
import type { Ran } from "../../services/OtherPods.ts"
import type { Tenure } from "../../services/Tenure.ts"
import type { PodCounts } from "../observe/PodCounts.ts"
import type { Ask } from "./Wire.ts"

/** A handler that is attached here. */
export interface OwnHandler extends HandlerExtras {
  readonly handler: Handler
  readonly retry: Omit<RetryPolicy, "attemptsMax"> | undefined
}

/** What other pods need to know of it. */
export interface Attached {
  readonly name: SubscriptionName
  readonly retry: Omit<RetryPolicy, "attemptsMax"> | undefined
  readonly fates: Fates
}

/** By subscription. Mutable: they come and go. */
export class Handlers {
  private readonly own = new Map<SubscriptionName, OwnHandler>()
  private readonly counts: PodCounts

  constructor(counts: PodCounts) {
    this.counts = counts
  }

  /** Notes one, unless there is one already. */
  enter(name: SubscriptionName, handler: OwnHandler): void {
    if (!this.own.has(name)) this.own.set(name, handler)
  }

  /** Forgets it. */
  leave(name: SubscriptionName, handler: OwnHandler): void {
    if (this.own.get(name) === handler) this.own.delete(name)
  }

  /** Whether there is one. */
  has(name: SubscriptionName): boolean {
    return this.own.has(name)
  }

  /** All of them, as other pods need to know them. */
  get attached(): ReadonlyArray<Attached> {
    return [...this.own].map(([name, { fates = noFates, retry }]) => ({ name, retry, fates }))
  }

  /** Runs one for another pod. */
  run(tenure: Tenure["Service"], ask: Extract<Ask, { kind: "handle" }>): Effect.Effect<Ran> {
    const own = this.own.get(ask.name)
    if (own === undefined) return Effect.succeed("NotBegun") // It was detached meanwhile.
    this.counts.relayed++
    return tenure.run({ ...ask, handler: own.handler, filter: own.filter })
  }
}
