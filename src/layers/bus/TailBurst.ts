/**
 * A burst: what the tails of one view that had seen everything are shown of a turn of the loop.
 *
 * They all stand at the same place, so the events are the same for each, positions included, and
 * are made once. Measured: a stream that makes its own events and bytes costs twice as much.
 */
import { formatPosition } from "../../domain/TailPosition.ts"
import type { TailEvent } from "../../services/Tails.ts"
import type { Follower, LogIdentity } from "./TailCursor.ts"
import { type TailRing, volatileLane } from "./TailRing.ts"
import type { TailView } from "./TailView.ts"

/** The events of a burst. One array for all tails, so that writers may remember what they made. */
export interface TailBurst {
  readonly events: ReadonlyArray<TailEvent>
  readonly bytes: number
}

/** Where the tails stand: in the ring, and in each log lane. */
export interface Told {
  readonly sequence: number
  readonly vector: Float64Array
}

/** What `view` shows of the ring from `told` on. */
export const burstOf = (
  ring: TailRing,
  view: TailView,
  told: Told,
  identity: LogIdentity,
  now: number
): TailBurst => {
  const next = told.vector.slice()
  const events: Array<TailEvent> = []
  let bytes = 0 // A running sum over the burst.
  for (let at = told.sequence; at < ring.next; at++) { // Hot: for every view and message.
    const entry = ring.at(at)
    if (entry === undefined) continue
    const { logLane, message } = entry
    const isLogged = logLane !== volatileLane
    if (isLogged) next[logLane] = entry.offset + 1
    if (!view.shows(message)) continue
    if (isLogged && (message.expiresAt ?? Number.POSITIVE_INFINITY) <= now) continue
    const isDue = isLogged && view.positions.isDue(now)
    const position = isDue ? formatPosition({ ...identity, next }) : undefined
    events.push({ _tag: "Message", message, position })
    bytes += entry.bytes
  }
  return { events, bytes }
}

/** Whether a follower takes it at once; one that is too large is read by each tail for itself. */
export const isTakenBy = (
  { bytesMax, countMax }: Follower,
  { bytes, events }: TailBurst
): boolean => events.length <= countMax && (bytes <= bytesMax || events.length === 1)
