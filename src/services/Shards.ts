/**
 * The shards of a bus: how many there are, who works for them, and which of them take messages.
 */
import * as Schema from "effect/Schema"

/** The shard of the message is full. Remedy: publish again after `retryAfterMs`. */
export class ShardFull extends Schema.TaggedError<ShardFull>()("ShardFull", {
  shard: Schema.Int,
  retryAfterMs: Schema.Int
}) {
  override get message(): string {
    return `shard ${this.shard} is full; publish again after ${this.retryAfterMs} ms`
  }
}
