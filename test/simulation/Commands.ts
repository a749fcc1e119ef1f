/**
 * What is done to a simulated bus: a list of commands that a seed decides.
 *
 * A command names its targets by numbers that always mean something ("the third lease, if there
 * are so many"), so that a list stays meaningful when commands are taken out of it.
 */
import type { Draft } from "../../src/domain/Message.ts"
import type { SubscriptionOptions } from "../../src/domain/Subscription.ts"
import type { MoreAction } from "./MoreActions.ts"

/** One command. `share` is the part of what there is, 0 to 1. */
export type Action =
  | MoreAction
  | { readonly kind: "publish"; readonly drafts: ReadonlyArray<Draft> }
  | { readonly kind: "create"; readonly name: string; readonly options: SubscriptionOptions }
  | { readonly kind: "delete" | "detach"; readonly name: string }
  | { readonly kind: "attach"; readonly name: string; readonly badness: number }
  | {
    readonly kind: "pull"
    readonly name: string
    readonly max: number
    readonly waitMs: number
  }
  | {
    readonly kind: "ack" | "nack" | "extend"
    readonly name: string
    readonly share: number
    readonly delayMs: number
  }
  | {
    readonly kind: "replay" | "dryRun" | "deleteLetters"
    readonly name: string
    readonly share: number
  }
  | { readonly kind: "failNext"; readonly reason: "Full" | "Io" }
  | { readonly kind: "failing"; readonly share: number }
  | { readonly kind: "heal" | "restart" }
  | { readonly kind: "crash"; readonly how: "Killed" | "PowerCut" }

/** A command, and for how long the world goes on after it: tasks run, then milliseconds. */
export interface Command {
  readonly action: Action
  readonly tasks: number
  readonly ms: number
}

/** Names of subscriptions. */
export const names = ["s0", "s1", "s2", "s3"] as const

/** The shortest time limit that a subscription gets. */
export const ackTimeoutMsMin = 1_000

/** Topics that are published to. */
export const topics = ["a.x", "a.y", "b.x", "b.y.z"] as const
/** Patterns that are subscribed to. */
export const patterns = ["a.x", "a.*", "b.>", ">", "*.x"] as const

/** Which commands a run is made of. */
export interface Mix {
  readonly count: number
  /** Whether processes and disks fail: not for a log that lives in memory. */
  readonly crashes: boolean
  /** Whether it has what was added after the first seeds were kept, which stay what they were. */
  readonly more: boolean
}
