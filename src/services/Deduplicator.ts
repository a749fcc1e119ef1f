/**
 * The deduplicator: which idempotency keys were used, for pods whose logs know nothing of each
 * other. A key is claimed before its message is published, and completed or released after it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { KeysUnavailable } from "./Idempotency.ts"

/** A key within its topic and message key, and the body it was used for. */
export interface UsedKey {
  readonly scope: string
  readonly fingerprint: string
}

/** The right to publish under a key, until it is completed or released, or for a minute. */
export interface ClaimedKey extends UsedKey {
  readonly _tag: "Claimed"
  /** Tells it from every other claim. */
  readonly claim: string
}

/** What was answered to the first publish under a key. */
export interface FirstReply {
  readonly id: string
  readonly shard: number
}

/** What is known of a key that somebody else has used. */
export type KnownKey =
  | ({ readonly _tag: "Accepted"; readonly fingerprint: string } & FirstReply)
  | { readonly _tag: "InFlight"; readonly fingerprint: string }

/** The keys that pods share. */
export class Deduplicator extends Context.Service<Deduplicator, {
  readonly claim: (key: UsedKey) => Effect.Effect<ClaimedKey | KnownKey, KeysUnavailable>
  /** The message was accepted: the key is its own from now on, for its time. */
  readonly accept: (claimed: ClaimedKey, first: FirstReply) => Effect.Effect<void>
  /** It was refused: the key is free again. */
  readonly release: (claimed: ClaimedKey) => Effect.Effect<void>
}>()("codefactory/services/Deduplicator") {}
