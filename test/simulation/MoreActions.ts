/**
 * Commands that were added after the first seeds were kept.
 */
import type { Draft } from "../../src/domain/Message.ts"
import type { SubscriptionOptions } from "../../src/domain/Subscription.ts"

/** One of them. */
export type MoreAction =
  /** With a filter, an age or a mode. */
  | { readonly kind: "create"; readonly name: string; readonly options: SubscriptionOptions }
  /** Attaches a handler whose errors have fates. */
  | { readonly kind: "attachFates"; readonly name: string; readonly badness: number }
  /** Publishes each by itself, all at once. */
  | { readonly kind: "publishEach"; readonly drafts: ReadonlyArray<Draft> }
