/**
 * Rate limits: at most so many requests in any window, in constant time and space.
 *
 * The window slides in 60 steps. What was taken within the running step and the 59 before counts,
 * so that never more than `max` are taken in any stretch one step short of the window, and whoever
 * waited for a whole window is let in.
 */

/** At most `max` requests per `windowMs`. */
export interface Rate {
  readonly max: number
  readonly windowMs: number
}

/** Steps of a window. Source: design, section 6 ("sliding, 60 buckets"). */
export const stepsPerWindow = 60

/**
 * What one client took: pairs of a step and the requests taken in it, oldest first, and their sum.
 * Mutable on purpose: it is touched by each request, and most clients have one pair or two.
 */
export interface Usage {
  readonly pairs: Array<number>
  sum: number
}

/** What nobody took yet. */
export const unused = (): Usage => ({ pairs: [], sum: 0 })

/** One request let in or not; times are in milliseconds. */
export interface Verdict {
  readonly allowed: boolean
  /** Requests that would still be let in now. */
  readonly remaining: number
  /** Until the oldest of what counts is forgotten: at least one more is let in then. */
  readonly resetMs: number
}

/** The step that a time in whole milliseconds lies in: one division, so that nothing is rounded. */
const stepOf = ({ windowMs }: Rate, now: number): number =>
  Math.floor(now * stepsPerWindow / windowMs)

/** The first whole millisecond of a step. */
const startOf = ({ windowMs }: Rate, step: number): number =>
  Math.ceil(step * windowMs / stepsPerWindow)

/** Takes one request at `now` (whole milliseconds), if the rate leaves room for it. */
export const take = (usage: Usage, rate: Rate, now: number): Verdict => {
  const step = stepOf(rate, now)
  forget(usage, step)
  const allowed = usage.sum < rate.max
  if (allowed) {
    const { pairs } = usage
    const last = pairs.length - 2
    // A clock that went back counts in the newest step: nothing is forgotten early for it.
    if (last >= 0 && (pairs[last] ?? 0) >= step) pairs[last + 1] = (pairs[last + 1] ?? 0) + 1
    else pairs.push(step, 1)
    usage.sum++
  }
  return {
    allowed,
    remaining: Math.max(0, rate.max - usage.sum),
    resetMs: roomAt(usage, rate, allowed) - now
  }
}

/** Whether nothing of the usage counts any more at `now`. */
export const isIdle = ({ pairs }: Usage, rate: Rate, now: number): boolean =>
  (pairs[pairs.length - 2] ?? -Infinity) + stepsPerWindow <= stepOf(rate, now)

/** Measured hot loop: nearly always no turn, at most 60. */
const forget = (usage: Usage, step: number): void => {
  const { pairs } = usage
  let gone = 0
  while (gone < pairs.length && (pairs[gone] ?? 0) + stepsPerWindow <= step) {
    usage.sum -= pairs[gone + 1] ?? 0
    gone += 2
  }
  if (gone > 0) pairs.splice(0, gone)
}

/**
 * When there is room for one more than now. A limit that was lowered since may have more than its
 * oldest step in the way. Measured hot loop: one turn, and at most 60.
 */
const roomAt = ({ pairs, sum }: Usage, rate: Rate, allowed: boolean): number => {
  const room = allowed ? sum - 1 : rate.max - 1
  let left = sum
  let at = 0
  for (; at < pairs.length - 2; at += 2) {
    left -= pairs[at + 1] ?? 0
    if (left <= room) break
  }
  return startOf(rate, (pairs[at] ?? 0) + stepsPerWindow)
}
