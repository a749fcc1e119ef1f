/**
 * Unread: how many matches of a subscription only the log holds, while it lags.
 *
 * Counted once when it begins to read, from the directory of the log alone; then the router adds
 * what is appended, and the reader takes off what it reads. The content of messages is not known
 * before they are read: with a filter of content it is an upper bound.
 */
import * as Effect from "effect/Effect"
import type { CountRequest } from "../../services/MessageLog.ts"
import type { Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"

/** A part of a lane, whose matches count, or do not because they are settled already. */
interface Part extends CountRequest {
  readonly sign: 1 | -1
}

/**
 * Counts what lies between the reader of a consumer and the point up to which live ones are served.
 * What to count is fixed at the call; the effect may take a while, beside the reader.
 */
export const countUnread = (
  core: Core,
  consumer: Consumer,
  position: Float64Array
): Effect.Effect<void> => {
  consumer.unread = 0
  if (!core.log.retainsSettled || consumer.isBroadcast) return Effect.void
  const countedTo = core.seen.slice()
  consumer.countedTo = countedTo
  const parts = Array.from(position).flatMap((from, logLane) =>
    partsOf(core, consumer, logLane, from)
  )
  return Effect.forEach(
    parts,
    ({ sign, ...request }) =>
      Effect.map(core.log.count(request), (count) => {
        // Void once the consumer is live: what was counted is read.
        if (consumer.countedTo === countedTo) consumer.unread += sign * count
      }),
    { discard: true }
  )
}

const partsOf = (
  core: Core,
  consumer: Consumer,
  logLane: number,
  from: number
): ReadonlyArray<Part> => {
  const to = core.seen[logLane] ?? 0
  if (from >= to) return []
  const { wants } = consumer
  const settled = consumer.tracks[logLane]?.settledAheadOf(from, to) ?? []
  return [
    { logLane, from, to, wants, sign: 1 },
    ...settled.map(([start, end]): Part => ({ logLane, from: start, to: end, wants, sign: -1 }))
  ]
}

/** A match was read, or settled before it was. */
export const noteRead = (consumer: Consumer): void => {
  consumer.unread--
}

/** What was read does not match after all: it was counted only by its topic. */
export const noteUnwanted = (consumer: Consumer, logLane: number, offset: number): void => {
  if (offset < (consumer.countedTo?.[logLane] ?? 0)) consumer.unread--
}
