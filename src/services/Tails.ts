/**
 * Tails: the messages of a pattern as they come, for everybody who looks. A tail takes no lease,
 * settles nothing and holds nothing back.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { FilterSpec } from "../domain/Filter.ts"
import type { Message } from "../domain/Message.ts"
import type { SubscriptionUnknown } from "../domain/Subscription.ts"
import type { PositionInvalid } from "../domain/TailPosition.ts"
import type { TopicPattern } from "../domain/TopicPattern.ts"
import type { BusClosed } from "./MessageBus.ts"

/** As many tails are open as may be. Remedy: try again later, or share one. */
export class TailLimit extends Schema.TaggedError<TailLimit>()("TailLimit", {
  limit: Schema.Int
}) {}

/** What to tail and from where: the head, the first message kept, or behind a position. */
export interface TailRequest {
  readonly of:
    | { readonly subscription: string }
    | { readonly pattern: TopicPattern; readonly filter?: FilterSpec | undefined }
  readonly from: "now" | "earliest" | { readonly position: string }
}

/**
 * Why messages may be missing. `Slow`: the tail was too slow for a log that forgets; `Retention`:
 * they were deleted before it came to them; `Damaged`: they cannot be read; `OtherLog`: its
 * position is of another log, or of a part of this one that was lost; `OtherPod`: what another pod
 * said did not arrive.
 */
export type GapReason = "Slow" | "Retention" | "Damaged" | "OtherLog" | "OtherPod"

/**
 * What comes out of a tail. `position` resumes behind the event; it is there at least once in 64
 * events, and not with volatile messages.
 */
export type TailEvent =
  | { readonly _tag: "Message"; readonly message: Message; readonly position: string | undefined }
  | {
    readonly _tag: "Gap"
    readonly reason: GapReason
    /** Messages of any topic that are missing at most; `undefined` when nobody knows. */
    readonly missed: number | undefined
    readonly position: string
  }

/** Most events and bytes of one batch. */
export const tailBatchMax = { count: 256, bytes: 1_048_576 } as const

/** Events after which a position must come: what a resume repeats at most. Source: design, 5. */
export const positionEvery = 64

/** Most open tails: streams over HTTP and broadcast handlers together. Source: design, 9. */
export const tailsMaxDefault = 10_000

/** An open tail; one caller at a time. */
export interface Tail {
  /**
   * The next events, at most `countMax` and about `bytesMax`. Waits for the first one, for up to
   * `waitMs` if given; nothing is lost when that ends without one. Fails once the subscription is
   * deleted or the bus has ended.
   */
  readonly next: (wanted?: {
    readonly countMax?: number
    readonly bytesMax?: number
    readonly waitMs?: number
  }) => Effect.Effect<ReadonlyArray<TailEvent>, SubscriptionUnknown | BusClosed>
  /**
   * Gives events to `write` as they come, at once, in batches of at most `countMax` and about
   * `bytesMax`, until it says that it has no room; fails as `next` does. Nothing runs for a batch
   * but `write`, so a thousand tails of one message cost little more than their writes.
   */
  readonly follow: (
    wanted: { readonly countMax: number; readonly bytesMax: number },
    write: (events: ReadonlyArray<TailEvent>) => boolean
  ) => Effect.Effect<void, SubscriptionUnknown | BusClosed>
  /** Resumes behind everything that `next` returned, and what did not match. */
  readonly position: () => string
  /** The same while `next` waits; `undefined` while somebody may hold what it returned. */
  readonly restingPosition: () => string | undefined
}

/** The tails of a bus. */
export interface Tails {
  /** Opens a tail that ends with the scope. */
  readonly open: (
    request: TailRequest
  ) => Effect.Effect<
    Tail,
    SubscriptionUnknown | PositionInvalid | TailLimit | BusClosed,
    Scope.Scope
  >
}
