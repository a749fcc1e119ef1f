/**
 * A worker at run time: a fibre that delivers from one shard, one message at a time.
 */
import type * as Fiber from "effect/Fiber"
import type { Pending } from "./Pending.ts"
import type { Shard } from "./Shard.ts"

/** One worker. Mutable on purpose: it is written for every message. */
export class Worker {
  readonly shard: Shard
  fiber: Fiber.Fiber<void> | undefined = undefined
  /** What its handler runs for now. */
  current: Pending | undefined = undefined
  /** When the handler is cut off (Unix milliseconds). */
  deadline = Number.POSITIVE_INFINITY
  /** Whether the watchdog cut the handler off. */
  timedOut = false
  /** It ends after the current message. */
  stopping = false
  /** Another one works in its place: it is not called back. */
  isReplaced = false

  constructor(shard: Shard) {
    this.shard = shard
  }
}
