/**
 * Progress: how far a subscription got in one log lane.
 *
 * Everything below `floor` is settled; `ranges` are settled stretches above it, ascending, apart,
 * flattened as [start, end, start, end, ...] with `end` exclusive. That is all a restart needs.
 */

/** Most ranges kept for one lane. Source: design, section 5, "Progress". */
export const rangesMax = 10_000

/** Settled offsets of one lane. */
export interface Progress {
  readonly floor: number
  readonly ranges: ReadonlyArray<number>
}

/** Nothing at or above `floor` is settled. */
export const startingAt = (floor: number): Progress => ({ floor, ranges: [] })

/** Whether `offset` is settled. */
export const isSettled = ({ floor, ranges }: Progress, offset: number): boolean =>
  offset < floor || (rangesUpTo(ranges, offset) & 1) === 1

/** How many entries of `ranges` are <= `offset`: odd means inside a range. */
const rangesUpTo = (ranges: ReadonlyArray<number>, offset: number): number => {
  let low = 0 // Binary search: a lagging consumer may have thousands of ranges.
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ranges[middle] ?? 0) <= offset) low = middle + 1
    else high = middle
  }
  return low
}

/** The progress after `offset` was settled too; settling twice changes nothing. */
export const settle = (progress: Progress, offset: number): Progress => {
  if (isSettled(progress, offset)) return progress
  const { floor, ranges } = progress
  const at = rangesUpTo(ranges, offset)
  const joinsLeft = at > 0 && ranges[at - 1] === offset
  const joinsRight = ranges[at] === offset + 1
  const middle = joinsLeft
    ? (joinsRight ? [] : [offset + 1])
    : (joinsRight ? [offset] : [offset, offset + 1])
  const merged = [
    ...ranges.slice(0, joinsLeft ? at - 1 : at),
    ...middle,
    ...ranges.slice(joinsRight ? at + 1 : at)
  ]
  return merged[0] === floor
    ? { floor: merged[1] ?? floor, ranges: merged.slice(2) }
    : { floor, ranges: merged }
}

/** The progress that also settles every offset below `floor`. */
export const raise = (progress: Progress, floor: number): Progress => {
  if (floor <= progress.floor) return progress
  const at = rangesUpTo(progress.ranges, floor)
  return (at & 1) === 1
    ? { floor: progress.ranges[at] ?? floor, ranges: progress.ranges.slice(at + 1) }
    : { floor, ranges: progress.ranges.slice(at) }
}

/** The settled stretches between two offsets, as pairs of start and end (exclusive). */
export const settledBetween = (
  { floor, ranges }: Progress,
  from: number,
  to: number
): ReadonlyArray<readonly [start: number, end: number]> =>
  [0, floor, ...ranges].flatMap((start, at, edges) => {
    const first = Math.max(start, from)
    const end = Math.min(edges[at + 1] ?? 0, to)
    return at % 2 === 0 && first < end ? [[first, end] as const] : []
  })
