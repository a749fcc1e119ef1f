/**
 * The shards of a bus: how many there are, who works for them, and which of them take messages.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { BusClosed } from "./MessageBus.ts"

/** The shard of the message is full. Remedy: publish again after `retryAfterMs`. */
export class ShardFull extends Schema.TaggedError<ShardFull>()("ShardFull", {
  shard: Schema.Int,
  retryAfterMs: Schema.Int
}) {
  override get message(): string {
    return `shard ${this.shard} is full; publish again after ${this.retryAfterMs} ms`
  }
}

/** An operator paused the shard of the message. Remedy: publish again once it is resumed. */
export class ShardPaused extends Schema.TaggedError<ShardPaused>()("ShardPaused", {
  shard: Schema.Int,
  retryAfterMs: Schema.Int
}) {
  override get message(): string {
    return `shard ${this.shard} is paused; publish again once it is resumed`
  }
}

/** No live shard has this id. */
export class ShardUnknown extends Schema.TaggedError<ShardUnknown>()("ShardUnknown", {
  id: Schema.String
}) {
  override get message(): string {
    return `there is no shard ${this.id}`
  }
}

/** The number of shards is being changed. Remedy: ask again when that is done. */
export class ResizeRunning extends Schema.TaggedError<ResizeRunning>()("ResizeRunning", {}) {
  override get message(): string {
    return "the shards are being changed; try again when that is done"
  }
}

/** So many shards, or workers of one, are not allowed. */
export class CountOutOfRange extends Schema.TaggedError<CountOutOfRange>()("CountOutOfRange", {
  what: Schema.Literals(["shards", "workers"]),
  found: Schema.Finite,
  minimum: Schema.Int,
  maximum: Schema.Int
}) {
  override get message(): string {
    return `${this.found} ${this.what} are not within ${this.minimum} and ${this.maximum}`
  }
}

/** What a change of the number of shards did; `moved` counts deliveries that were queued. */
export interface Resized {
  readonly from: number
  readonly to: number
  readonly moved: number
}

/** Fewest and most workers of one shard. Source: guide, "Worker scaling". */
export const workerCountRange = { minimum: 2, maximum: 8 } as const

/** What an operator, or a control loop, may change of the shards while the bus runs. */
export interface Shards {
  /**
   * Lets the bus have shards 0 to `count` - 1. Nothing is lost, doubled or out of order. Returns
   * when removed shards run no handler any more, after 10 s at the latest.
   */
  readonly setCount: (
    count: number
  ) => Effect.Effect<Resized, ResizeRunning | CountOutOfRange | BusClosed>
  /** Lets one shard, or each and every later one, have so many workers. */
  readonly setWorkers: (
    count: number,
    shard?: number
  ) => Effect.Effect<void, ShardUnknown | CountOutOfRange | BusClosed>
  /** Lets a shard refuse publishes; delivery goes on. */
  readonly pause: (shard: number) => Effect.Effect<void, ShardUnknown | BusClosed>
  /** Ends a pause. */
  readonly resume: (shard: number) => Effect.Effect<void, ShardUnknown | BusClosed>
  /** Builds the ring anew and brings home what waits in another shard than its own. */
  readonly rebalance: Effect.Effect<
    { readonly moved: number },
    ResizeRunning | BusClosed
  >
}
