/**
 * Refusals for want of room in the log, whatever the shard.
 */
import * as Schema from "effect/Schema"

/** As many messages wait for their time as may. Remedy: publish again after `retryAfterMs`. */
export class DelayedLimit extends Schema.TaggedError<DelayedLimit>()("DelayedLimit", {
  limit: Schema.Int,
  retryAfterMs: Schema.Int
}) {
  override get message(): string {
    return `${this.limit} messages wait for their time already; publish again later`
  }
}

/**
 * Retention may not delete as many bytes as the log may hold: consumers are too far behind. Remedy:
 * publish again after `retryAfterMs`, and look at the subscription that holds most.
 */
export class BacklogFull extends Schema.TaggedError<BacklogFull>()("BacklogFull", {
  bytes: Schema.Int,
  limitBytes: Schema.Int,
  retryAfterMs: Schema.Int
}) {
  override get message(): string {
    return `${this.bytes} bytes of the log wait for consumers, the limit is ${this.limitBytes}`
  }
}

/** The log has no room for a message. */
export type LogCapacityError = DelayedLimit | BacklogFull
