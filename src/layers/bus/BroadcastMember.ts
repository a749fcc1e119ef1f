/**
 * A member of a broadcast: the loop that shows messages to one handler, and its time limit.
 *
 * Measured: a time limit as a fibre of its own for each message was most of what a broadcast costs,
 * so the watchdog of the workers looks after members, too.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { TailEvent } from "../../services/Tails.ts"

/** Events that wait for one handler before it is given more. */
export const waitingMax = 256

/** One member. Mutable on purpose: written for every message. */
export class BroadcastMember {
  /** The event that was shown last. */
  shown: TailEvent | undefined = undefined
  /** What is being shown, from `next` on, and what comes behind it. */
  private events: ReadonlyArray<TailEvent> = []
  private next = 0
  private readonly behind: Array<ReadonlyArray<TailEvent>> = []
  /** Events that were given and not shown yet. */
  private waiting = 0
  /** Goes on with who waits for an event, or for room. */
  private wake: (() => void) | undefined = undefined
  private makeRoom: (() => void) | undefined = undefined
  private hasEnded = false
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

  /** Takes events to be shown; says whether there is room for more. */
  readonly give = (events: ReadonlyArray<TailEvent>): boolean => {
    this.behind.push(events)
    this.waiting += events.length
    this.wake?.()
    return this.hasRoom
  }

  /** Nothing more comes. */
  endsNow(): void {
    this.hasEnded = true
    this.wake?.()
  }

  /** The next event to be shown, if there is one now. */
  take(): TailEvent | undefined {
    if (this.next >= this.events.length) {
      this.events = this.behind.shift() ?? []
      this.next = 0
    }
    const event = this.events[this.next]
    if (event === undefined) return undefined
    this.next++
    this.waiting--
    if (this.hasRoom) this.makeRoom?.()
    this.shown = event
    return event
  }

  /** Waits until there is an event, or none will come: then `false`. */
  readonly some: Effect.Effect<boolean> = Effect.callback((resume) => {
    if (this.waiting > 0 || this.hasEnded) return resume(Effect.succeed(this.waiting > 0))
    this.wake = () => {
      this.wake = undefined
      resume(Effect.succeed(this.waiting > 0))
    }
  })

  /** Waits until events may be given again. */
  readonly room: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.hasRoom) return resume(Effect.void)
    this.makeRoom = () => {
      this.makeRoom = undefined
      resume(Effect.void)
    }
  })

  private get hasRoom(): boolean {
    return this.waiting < waitingMax
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
