/**
 * Watermarks: when a shard stops and when it resumes accepting messages.
 *
 * Two marks rather than one, so that a queue hovering at a single value does not flap.
 */
import * as Schema from "effect/Schema"

/** Whether a shard takes messages. */
export type Gate = "Open" | "Closed"

const Mark = Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1))

/** Fills, 0 to 1: the gate closes at `high` and opens below `low`. */
export const Watermarks = Schema.Struct({ high: Mark, low: Mark }).check(
  Schema.makeFilter(({ high, low }: { readonly high: number; readonly low: number }) =>
    low < high ? undefined : "expected low to be less than high"
  )
)
/** Checked marks. */
export type Watermarks = typeof Watermarks.Type

/** Closes at 80 %, opens below 50 %. Source: guide, "Backpressure Management". */
export const watermarksDefault: Watermarks = Watermarks.make({ high: 0.8, low: 0.5 })

/** The next gate at `fill`, 0 to 1 and above. */
export const nextGate = (gate: Gate, fill: number, marks: Watermarks): Gate =>
  fill >= marks.high ? "Closed" : fill < marks.low ? "Open" : gate
