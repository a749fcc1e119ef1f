/**
 * Clock slew: how the program's clock follows the clock on the wall without ever jumping.
 *
 * It runs by monotonic time and gives way to the wall by at most 500 ppm: a step of the wall by an
 * hour then ends no lease, limit or key early, and a wall that is right again is met again. Times
 * are milliseconds; fractions count.
 */

/** How much faster or slower than monotonic time the clock runs at most. Source: design, P10. */
export const slewMax = 500e-6

/**
 * The clock from one reading of the wall to the next. Lengths of time are kept apart from the date
 * of the start, because a double that holds a date has no room for small fractions.
 */
export interface ClockAnchor {
  /** The wall when the clock started, in Unix milliseconds. */
  readonly start: number
  /** Monotonic time of the reading. */
  readonly monotonic: number
  /** How long the clock had run then, by itself. */
  readonly elapsed: number
  /** How far the wall was ahead of it; negative when behind. */
  readonly gap: number
}

/** A clock that starts with the wall. */
export const started = (monotonic: number, wall: number): ClockAnchor => ({
  start: wall,
  monotonic,
  elapsed: 0,
  gap: 0
})

/** The clock at a later monotonic time, in Unix milliseconds. */
export const timeAt = (anchor: ClockAnchor, now: number): number =>
  anchor.start + elapsedAt(anchor, now)

/** The clock goes on from here, towards a wall that was read at monotonic time `now`. */
export const anchored = (anchor: ClockAnchor, now: number, wall: number): ClockAnchor => {
  const elapsed = elapsedAt(anchor, now)
  return { start: anchor.start, monotonic: now, elapsed, gap: wall - anchor.start - elapsed }
}

/** How far the wall went beyond monotonic time between two readings: the size of its step. */
export const stepOf = (before: ClockAnchor, after: ClockAnchor): number =>
  after.elapsed + after.gap - before.elapsed - before.gap - (after.monotonic - before.monotonic)

/**
 * How long the clock has run. It closes the gap as fast as it may, and then stays with monotonic
 * time, so that a late next reading never carries it past the wall.
 *
 * The small sum is made first: rounding then cannot let a later time come out as an earlier one.
 */
const elapsedAt = ({ elapsed, gap, monotonic }: ClockAnchor, now: number): number => {
  const passed = now - monotonic
  const most = passed * slewMax
  return elapsed + (passed + Math.max(-most, Math.min(most, gap)))
}
