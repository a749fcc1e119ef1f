/**
 * A member of a broadcast: the loop that shows messages to one handler, and its time limit.
 *
 * Measured: a time limit as a fibre of its own for each message was most of what a broadcast costs,
 * so the watchdog of the workers looks after members, too.
 */
import type * as Fiber from "effect/Fiber"
import type { TailEvent } from "../../services/Tails.ts"

/** One member. Mutable on purpose: written for every message. */
export class BroadcastMember {
  /** What was read and not shown yet begins at `next`. */
  events: ReadonlyArray<TailEvent> = []
  next = 0
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** Whether the watchdog cut the handler off. */
  timedOut = false
  private readonly limitMs: number
  /** The number of the handler's run, and whether it runs. */
  private runs = 0
  private isRunning = false
  /** Which run the watchdog saw last, and since when. */
  private seen = 0
  private seenAt = 0

  constructor(limitMs: number) {
    this.limitMs = limitMs
  }

  /** A handler begins. Asking for the time here would cost more than the rest of the loop. */
  begin(): void {
    this.runs++
    this.isRunning = true
  }

  /** It ended. */
  end(): void {
    this.isRunning = false
  }

  /** Interrupts a handler that has run past its limit since it was first seen. */
  look(now: number): void {
    if (!this.isRunning || this.seen !== this.runs) {
      this.seen = this.runs
      this.seenAt = now
    } else if (now - this.seenAt >= this.limitMs && !this.timedOut) {
      this.timedOut = true
      this.fiber?.interruptUnsafe()
    }
  }
}
