/**
 * The options of a core: what one bus is built from.
 */
import type * as Clock from "effect/Clock"
import type { MessageId } from "../../domain/MessageId.ts"
import type { Watermarks } from "../../domain/Watermark.ts"
import type { MessageLog } from "../../services/MessageLog.ts"
import type { ClaimLimits } from "./Deduplication.ts"
import type { OwnRowLimits } from "./OwnRows.ts"
import type { RetentionOptions } from "./Retention.ts"
import type { ShardLimits } from "./Shard.ts"

/** What a bus is built from. */
export interface CoreOptions {
  readonly log: typeof MessageLog.Service
  readonly clock: Clock.Clock
  /** How far the wall is ahead of that clock, in seconds. */
  readonly wallOffset: () => number
  /** The seeded source of jitter, 0 to 1. */
  readonly random: () => number
  /** Makes message ids: from Unix milliseconds and partition. */
  readonly nextId: (now: number, partition: number) => MessageId
  /** Logs a warning from where no effect runs. */
  readonly warn: (what: string, cause: unknown) => void
  /** Logs a line for those who look closely, from where no effect runs. */
  readonly debug: (what: string) => void
  /** Runs a task at the end of this turn of the event loop, when fibres run again. */
  readonly later: (task: () => void) => void
  /** The name of this process in reply topics: letters, digits, `_` and `-`. */
  readonly pod: string
  /** Most requests that wait for a reply. */
  readonly requestsMax: number
  /** Makes ids of reply topics, which nobody must be able to guess. */
  readonly replyId: () => string
  readonly shardCount: number
  readonly limits: ShardLimits
  /** Fills at which the gate of a shard closes and opens. */
  readonly watermarks: Watermarks
  /** Deliveries and bytes that one subscription may hold from the log, and all together. */
  readonly readAhead: { readonly count: number; readonly bytes: number; readonly allBytes: number }
  /** Most subscriptions. */
  readonly subscriptionsMax: number
  /** Most open tails. */
  readonly tailsMax: number
  /** Most dead letters of one subscription. */
  readonly deadLettersMax: number
  readonly ownRows: OwnRowLimits
  /** Most ranges of settled offsets in one lane. */
  readonly rangesMax: number
  readonly retention: RetentionOptions
  /** Bytes of the log that retention may not delete, by which the backlog gate closes and opens. */
  readonly backlogBytesMax: number
  /** Most messages that wait for their time. */
  readonly delayedMax: number
  /** How many idempotency keys are remembered, and for how long. */
  readonly claims: ClaimLimits
  /** Whether the content of a message without an idempotency key is its key. */
  readonly contentHash: boolean
}
