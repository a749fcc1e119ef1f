/**
 * The program's clock: wall time at the start plus monotonic time, slewed towards the wall.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import {
  anchored,
  type ClockAnchor,
  slewMax,
  started,
  stepOf,
  timeAt
} from "../../../domain/ClockSlew.ts"
import { WallOffset } from "../../../services/WallOffset.ts"

/** How often the wall is read. */
const readEvery = "1 second"

/** A step of the wall above this many milliseconds has a notice in the log. */
const noticedMs = 1_000

/** At most one notice in so many milliseconds, however often the wall steps. */
const noticeEveryMs = 60_000

/** The longest timer of the platform, in milliseconds. */
const timerMsMax = 2 ** 31 - 1

/** What a clock is made from: both in milliseconds, and only the wall may jump. */
export interface Sources {
  readonly monotonic: () => number
  readonly wall: () => number
}

/** Wraps the two clocks of the platform: the one place that reads the wall. */
const platform: Sources = { monotonic: () => performance.now(), wall: () => Date.now() }

/**
 * A clock that never jumps. Mutable on purpose: one anchor, replaced with each reading of the wall.
 * Telling the time is hot (twice per message): one monotonic reading and plain sums.
 */
export class SlewedClock implements Clock.Clock {
  private readonly sources: Sources
  private anchor: ClockAnchor
  private noticedAt = -Infinity

  constructor(sources: Sources = platform) {
    this.sources = sources
    this.anchor = started(sources.monotonic(), sources.wall())
  }

  /** Unix milliseconds. */
  currentTimeMillisUnsafe(): number {
    return Math.floor(timeAt(this.anchor, this.sources.monotonic()))
  }

  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())

  /** Unix nanoseconds, to the microsecond: what a double holds of a date. */
  currentTimeNanosUnsafe(): bigint {
    return BigInt(Math.floor(timeAt(this.anchor, this.sources.monotonic()) * 1_000)) * 1_000n
  }

  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())

  /** Nanoseconds since an arbitrary moment. */
  monotonicTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.sources.monotonic() * 1_000_000))
  }

  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())

  /** Sleeps until this clock, as everyone reads it, is `duration` later. */
  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (millis <= 0) return Effect.yieldNow
    return Number.isFinite(millis)
      ? Effect.suspend(() => this.sleepUntil(this.currentTimeMillisUnsafe() + millis))
      : Effect.never
  }

  /**
   * Wraps the timers of the platform, which run by monotonic time: each is set for the earliest
   * moment at which the clock can be due, and again while it is not.
   */
  private sleepUntil(due: number): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const wait = () => {
        const left = due - this.currentTimeMillisUnsafe()
        if (left <= 0) return resume(Effect.void)
        timer = setTimeout(wait, Math.min(Math.ceil(left / (1 + slewMax)), timerMsMax))
      }
      let timer: NodeJS.Timeout | undefined = undefined
      wait()
      return Effect.sync(() => clearTimeout(timer))
    })
  }

  /** How far the wall is ahead, in seconds. */
  wallOffset(): number {
    return (this.sources.wall() - timeAt(this.anchor, this.sources.monotonic())) / 1_000
  }

  /** Reads the wall; a notice when it stepped and none was given for a while. */
  readWall(): string | undefined {
    const before = this.anchor
    const now = this.sources.monotonic()
    this.anchor = anchored(before, now, this.sources.wall())
    const step = stepOf(before, this.anchor)
    if (Math.abs(step) <= noticedMs || now - this.noticedAt < noticeEveryMs) return undefined
    this.noticedAt = now
    const seconds = (ms: number) => `${ms < 0 ? "-" : "+"}${Math.abs(ms / 1_000).toFixed(1)} s`
    return `the clock on the wall stepped by ${seconds(step)}; the bus goes on by its own clock, ` +
      `slews by at most ${slewMax * 1e6} ppm, and is now ${seconds(-this.anchor.gap)} off the wall`
  }
}

/**
 * Provides the clock, unless the program lives by a clock of its own choice, such as that of a
 * test: then nothing changes.
 */
export const layer: Layer.Layer<never> = Layer.effectContext(
  Effect.flatMap(Clock.Clock, (ambient) =>
    ambient === Context.get(Context.empty(), Clock.Clock)
      ? running
      : Effect.succeed(Context.empty()))
)

const running: Effect.Effect<Context.Context<never>, never, Scope.Scope> = Effect.gen(
  function*() {
    const clock = new SlewedClock()
    // It sleeps by the platform's clock, on which it does not depend for anything else.
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(
      Effect.sleep(readEvery),
      Effect.suspend(() => {
        const notice = clock.readWall()
        return notice === undefined ? Effect.void : Effect.logWarning(notice)
      })
    )))
    return Context.make(Clock.Clock, clock).pipe(
      Context.add(WallOffset, () => clock.wallOffset())
    )
  }
)
