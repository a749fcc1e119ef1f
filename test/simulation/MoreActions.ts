/**
 * Commands that were added after the first seeds were kept.
 */
import type { FilterSpec } from "../../src/domain/Filter.ts"
import type { Draft } from "../../src/domain/Message.ts"
import type { SubscriptionOptions } from "../../src/domain/Subscription.ts"

/** What an operator does to shards; `share` says which of the live ones, 0 to 1. */
export type ShardAction =
  | { readonly kind: "setCount" | "setEachWorkers"; readonly count: number }
  | { readonly kind: "setWorkers"; readonly count: number; readonly share: number }
  /** Removes one of the shards, wherever it stands among the others. */
  | { readonly kind: "dropShard" | "pauseShard" | "resumeShard"; readonly share: number }
  | { readonly kind: "rebalance" }

/** What a follower does with a tail; an open one goes on, a closed one resumes unless `isAnew`. */
export type FollowAction =
  | {
    readonly kind: "follow"
    readonly who: number
    readonly topic: string
    readonly filter: FilterSpec | undefined
    readonly from: "now" | "earliest"
    readonly isAnew: boolean
  }
  | { readonly kind: "unfollow"; readonly who: number }
  | { readonly kind: "readTail"; readonly who: number; readonly count: number }

/** One command. */
export type MoreAction =
  /** With a time to deliver them at. */
  | { readonly kind: "publish"; readonly drafts: ReadonlyArray<Draft> }
  /** With a filter, an age or a mode. */
  | { readonly kind: "create"; readonly name: string; readonly options: SubscriptionOptions }
  | ShardAction
  | FollowAction
  | { readonly kind: "attach"; readonly name: string; readonly badness: number }
  /** Publishes each by itself, all at once. */
  | { readonly kind: "publishEach"; readonly drafts: ReadonlyArray<Draft> }
  | { readonly kind: "release" | "dropParked"; readonly name: string }
  | { readonly kind: "request"; readonly draft: Draft; readonly timeoutMs: number }
  /** Attaches a handler that takes half a second for each message. */
  | { readonly kind: "attachSlow"; readonly name: string }
  /** Attaches a handler whose errors have fates. */
  | { readonly kind: "attachFates"; readonly name: string; readonly badness: number }
