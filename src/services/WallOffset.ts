/**
 * How far the clock on the wall is ahead of the clock that the program lives by.
 */
import * as Context from "effect/Context"

/** Reads it now, in seconds; 0 where the program lives by the wall itself. */
export const WallOffset: Context.Reference<() => number> = Context.Reference(
  "codefactory/services/WallOffset",
  { defaultValue: () => () => 0 }
)
