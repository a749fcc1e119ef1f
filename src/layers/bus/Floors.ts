/**
 * Floors: how far back each subscription still needs the log, and all of them together.
 *
 * The floor of a subscription in a lane is its oldest unsettled match; with none pending the point
 * up to which it was looked at. It is computed and not stored, so that offsets that do not match
 * never hold it.
 */
import * as Effect from "effect/Effect"
import { logLaneCount } from "../../domain/Position.ts"
import type { SubscriptionOptions } from "../../domain/Subscription.ts"
import type { Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"

/** Consumers looked at before others get their turn: less than a millisecond. */
const sliceLength = 64

/** The offset of a lane below which a subscription needs nothing. */
export const floorOf = (core: Core, consumer: Consumer, logLane: number): number => {
  const track = consumer.tracks[logLane]
  const oldest = track?.oldest
  if (oldest !== undefined) return oldest
  if (consumer.live) return core.seen[logLane] ?? 0
  return track?.position ?? consumer.readTo?.[logLane] ??
    Math.max(consumer.lookedAt?.[logLane] ?? 0, consumer.subscription.starts[logLane] ?? 0)
}

/** By log lane, the offset below which no subscription needs anything. */
export const lowestFloors = (core: Core): Effect.Effect<Float64Array> =>
  Effect.map(floorsOf(core), (counted) => counted.lowest)

/** Floors, and whose they are: floors of one subscription only rise, but others may come. */
export interface CountedFloors {
  readonly lowest: Float64Array
  readonly of: ReadonlySet<Consumer>
}

/** The floors of the subscriptions that there are. */
export const floorsOf = (core: Core): Effect.Effect<CountedFloors> =>
  Effect.gen(function*() {
    const lowest = core.seen.slice()
    const consumers = [...core.consumers.values()]
    for (let at = 0; at < consumers.length; at += sliceLength) { // Slices, as said above.
      for (const consumer of consumers.slice(at, at + sliceLength)) lower(core, consumer, lowest)
      yield* Effect.yieldNow
    }
    return { lowest, of: new Set(consumers) }
  })

/**
 * Lowers floors by the subscriptions that came since they were counted, those included that are
 * being created now. At once: what is deleted in the same step is what nobody needs.
 */
export const lowerByNew = (core: Core, { lowest, of }: CountedFloors): Float64Array => {
  for (const consumer of core.consumers.values()) {
    if (!of.has(consumer)) lower(core, consumer, lowest)
  }
  for (const starts of core.founding) {
    starts.forEach((start, logLane) => lowest[logLane] = Math.min(lowest[logLane] ?? 0, start))
  }
  return lowest
}

/** One that is closed but still there is about to be replaced: its successor reads what it held. */
const lower = (core: Core, consumer: Consumer, floors: Float64Array): void => {
  if (consumer.isBroadcast) return
  for (let logLane = 0; logLane < logLaneCount; logLane++) { // For up to 10,000 subscriptions.
    const floor = floorOf(core, consumer, logLane)
    if (floor < (floors[logLane] ?? 0)) floors[logLane] = floor
  }
}

/** Bytes of the log from the floors of a subscription to the heads. */
const bytesHeld = (core: Core, consumer: Consumer): number => {
  let bytes = 0 // A sum over the lanes.
  for (let logLane = 0; logLane < logLaneCount; logLane++) {
    bytes += core.log.bytesFrom(logLane, floorOf(core, consumer, logLane))
  }
  return bytes
}

/** The subscription that holds most of the log, if any holds something. */
export const largestHolder = (
  core: Core
): Effect.Effect<{ readonly name: string; readonly bytes: number } | undefined> =>
  Effect.gen(function*() {
    let largest: { readonly name: string; readonly bytes: number } | undefined // The best so far.
    for (const consumer of [...core.consumers.values()]) {
      if (consumer.isBroadcast) continue
      const bytes = bytesHeld(core, consumer)
      if (bytes > (largest?.bytes ?? 0)) largest = { name: consumer.subscription.name, bytes }
      yield* Effect.yieldNow
    }
    return largest
  })

/** By log lane, where a subscription begins that is created now. */
export const startsOf = (core: Core, from: SubscriptionOptions["from"]): ReadonlyArray<number> =>
  Array.from(
    { length: logLaneCount },
    (_, logLane) => from === "now" ? core.seen[logLane] ?? 0 : core.log.first(logLane)
  )
