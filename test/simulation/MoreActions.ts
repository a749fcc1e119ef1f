/**
 * Commands that were added after the first seeds were kept.
 */
import type { Draft } from "../../src/domain/Message.ts"
import type { SubscriptionOptions } from "../../src/domain/Subscription.ts"

/** What an operator does to shards; `share` says which of the live ones, 0 to 1. */
export type ShardAction =
  | { readonly kind: "setCount" | "setEachWorkers"; readonly count: number }
  | { readonly kind: "setWorkers"; readonly count: number; readonly share: number }
  /** Removes one of the shards, wherever it stands among the others. */
  | { readonly kind: "dropShard" | "pauseShard" | "resumeShard"; readonly share: number }
  | { readonly kind: "rebalance" }

/** One command. */
export type MoreAction =
  /** With a time to deliver them at. */
  | { readonly kind: "publish"; readonly drafts: ReadonlyArray<Draft> }
  /** With a filter, an age or a mode. */
  | { readonly kind: "create"; readonly name: string; readonly options: SubscriptionOptions }
  | ShardAction
  /** Publishes each by itself, all at once. */
  | { readonly kind: "publishEach"; readonly drafts: ReadonlyArray<Draft> }
  /** Attaches a handler whose errors have fates. */
  | { readonly kind: "attachFates"; readonly name: string; readonly badness: number }
