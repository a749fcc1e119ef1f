/**
 * The lanes as tails know them: up to where they are told of each, those of other pods included.
 */
import { logLaneCount } from "../../domain/Position.ts"
import type { TailHub } from "./TailHub.ts"

/** What the hub knows of lanes. Mutable: it changes with every message while a tail is open. */
export class TailLanes {
  /** Up to where tails are told; of lanes that are routed here, at the opening at the latest. */
  readonly heads = new Float64Array(logLaneCount)
  /** The first retained offsets of lanes that other pods have. */
  readonly firsts = new Float64Array(logLaneCount)
  /** Lanes that were heard of; where pods share the log, others may be anywhere. */
  readonly known = new Set<number>()
  /** How often lanes came to this pod, or left it. */
  changes = 0

  /** Brings the heads up to what was routed while nobody was told. */
  lookAhead(seen: Float64Array): void {
    seen.forEach((next, lane) => this.heads[lane] = Math.max(this.heads[lane] ?? 0, next))
  }
}

/**
 * A lane is told of from `offset` on. What comes before is in the log, so a tail that has not come
 * that far reads on there; one that began when nobody knew the lane begins here.
 */
export const passTo = (hub: TailHub, lane: number, offset: number): void => {
  const { heads, known } = hub.lanes
  const isNew = !known.has(lane)
  known.add(lane)
  if (offset <= (heads[lane] ?? 0)) return
  heads[lane] = offset
  hub.ring.base[lane] = offset
  for (const cursor of [...hub.cursors]) {
    if (cursor.resume !== undefined) hub.bring(cursor)
    const next = cursor.vector[lane] ?? 0
    const beginsHere = isNew && cursor.beganNow && next === 0
    if (beginsHere) cursor.vector[lane] = offset
    if (beginsHere || next >= offset) continue
    const { resume } = cursor
    hub.unpark(cursor)
    cursor.isBehind = true
    if (resume !== undefined) hub.later(resume)
  }
  hub.toldVector[lane] = offset
}
