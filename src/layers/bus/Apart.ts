/**
 * Cutting what a call of the log takes, where each partition commits by itself: what must be all or
 * nothing goes in calls of one partition each.
 */
import type { MessageLog } from "../../services/MessageLog.ts"

/** The items of each call: all of them, or those of each partition. */
export const apart = <A>(
  { isPartitioned }: MessageLog["Service"],
  items: ReadonlyArray<A>,
  partitionOf: (item: A) => number
): ReadonlyArray<ReadonlyArray<A>> =>
  isPartitioned ? [...Map.groupBy(items, partitionOf).values()] : [items]
