/**
 * Priority and the two lanes it chooses between.
 *
 * A larger number is more urgent. Only the lane depends on it: inside a lane messages keep their
 * order, whatever their exact priority, because sorting would break the order per key.
 */
import * as Schema from "effect/Schema"

/** 0 to 9. Source: design, "Words". */
export const Priority = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
/** A checked priority. */
export type Priority = typeof Priority.Type

/** Lowest priority of the high lane. Source: guide, "Priority Queuing" (priority >= 5). */
export const highFrom = 5

/** High messages taken in a row before one normal one. Source: design, P3. */
export const highPerNormal = 8

/** Lane numbers: they index arrays on the hot path and stand in the log. */
export const lanes = { high: 0, normal: 1 } as const
/** 0 is the high lane, 1 the normal one. */
export type Lane = 0 | 1

/** The lane of a priority. */
export const laneOf = (priority: number): Lane => priority >= highFrom ? lanes.high : lanes.normal

/** The name of a lane in metrics and answers. */
export const laneName = (lane: Lane): "high" | "normal" => lane === lanes.high ? "high" : "normal"
