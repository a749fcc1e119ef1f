/**
 * Reading of tails: from the ring while they are quick enough, from the log until they meet it.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { partitionOfLogLane } from "../../domain/Position.ts"
import type { LogUnavailable, Scanned } from "../../services/MessageLog.ts"
import type { FedEntry } from "../../services/OtherPods.ts"
import type { TailEvent } from "../../services/Tails.ts"
import type { Core } from "./Core.ts"
import { readRetryMs } from "./Reader.ts"
import type { Batch, TailCursor } from "./TailCursor.ts"

/** How much is wanted at once. */
export interface Amount {
  readonly countMax: number
  readonly bytesMax: number
}

/** How many events are wanted, and how long to wait for the first; without `waitMs` for ever. */
export interface Wanted extends Amount {
  readonly waitMs: number | undefined
}

/**
 * The next events of a tail; none once it has ended, or when none came in time.
 *
 * Only the waiting is ever interrupted: a batch that was read is always handed out.
 */
export const nextEvents = (
  core: Core,
  cursor: TailCursor,
  wanted: Wanted
): Effect.Effect<ReadonlyArray<TailEvent>> =>
  Effect.suspend(() => {
    const { waitMs } = wanted
    const batch = emptyBatch(wanted)
    cursor.begin(batch)
    fromRing(core, cursor, batch)
    if (batch.events.length > 0 || cursor.ended !== undefined) return handOut(core, batch)
    const again = nextEvents(core, cursor, wanted)
    if (cursor.isBehind) {
      return Effect.flatMap(
        fromLog(core, cursor, batch),
        () => batch.events.length > 0 ? handOut(core, batch) : again
      )
    }
    const matched = somethingMatches(core, cursor)
    if (waitMs === undefined) return Effect.andThen(matched, again)
    return Effect.flatMap(
      Effect.timeoutOption(matched, waitMs),
      (inTime) => Option.isSome(inTime) ? again : Effect.succeed([])
    )
  })

/** A batch to be filled. */
export const emptyBatch = ({ bytesMax, countMax }: Amount): Batch => ({
  events: [],
  bytes: 0,
  countMax,
  bytesMax
})

const handOut = (core: Core, { events }: Batch): Effect.Effect<ReadonlyArray<TailEvent>> => {
  count(core, events)
  return Effect.succeed(events)
}

/** Counts events that are handed out. */
export const count = ({ tails }: Core, events: ReadonlyArray<TailEvent>): void => {
  for (const { _tag } of events) {
    if (_tag === "Gap") tails.gaps++
    else tails.events++
  }
}

/** Takes what the ring has, if the tail has come to it. */
export const fromRing = (core: Core, cursor: TailCursor, batch: Batch): void => {
  const { ring } = core.tails
  if (cursor.sequence < ring.first) cursor.isBehind = true // It fell off.
  if (cursor.isBehind && !cursor.join(ring)) return
  cursor.take(ring, batch, core.now())
}

const somethingMatches = ({ tails }: Core, cursor: TailCursor): Effect.Effect<void> =>
  Effect.callback((resume) => {
    // Between looking and parking other fibres may have run.
    if (cursor.sequence < tails.ring.next || cursor.ended !== undefined) {
      return resume(Effect.void)
    }
    tails.park(cursor, () => resume(Effect.void))
    return Effect.sync(() => tails.unpark(cursor))
  })

/** The first retained offset of a lane, as its owner says. */
export const firstOf = ({ log, tails }: Core, logLane: number): number =>
  log.owns(partitionOfLogLane(logLane)) ? log.first(logLane) : tails.lanes.firsts[logLane] ?? 0

/** Reads a stretch of the first lane in which the tail has not come to the ring. */
export const fromLog = (core: Core, cursor: TailCursor, batch: Batch): Effect.Effect<void> => {
  const { log, tails: { reads, ring } } = core
  // What was there when it opened may be asked for; what came since and left the ring, is lost.
  if (!log.retainsSettled && (!cursor.isOpening || ring.first > cursor.opened)) {
    return Effect.sync(() => cursor.jump(ring, batch))
  }
  const logLane = cursor.vector.findIndex((next, lane) => next < (ring.base[lane] ?? 0))
  const from = cursor.vector[logLane]
  if (from === undefined) return Effect.void // It has come to the ring.
  const first = firstOf(core, logLane)
  if (log.retainsSettled && from < first) {
    return Effect.sync(() => {
      cursor.vector[logLane] = first
      cursor.skip(batch, "Retention", first - from)
    })
  }
  const { bytesMax, countMax } = batch
  const { pattern, wants } = cursor.view
  const scan = Effect.suspend((): Effect.Effect<Scanned<FedEntry>, LogUnavailable> => {
    const request = { logLane, from, countMax, bytesMax }
    return log.owns(partitionOfLogLane(logLane))
      ? log.scan({ ...request, wants })
      : core.others.scan(request, pattern)
  })
  return Effect.catch(
    Effect.map(reads.withPermit(scan), (scanned) => pass(core, cursor, batch, logLane, scanned)),
    (unavailable) => pause(unavailable)
  )
}

/**
 * Shows what was read, up to where the ring begins: it has what comes behind, also what a log that
 * forgets has not got any more. What retention deleted while it was read is told of.
 */
const pass = (
  core: Core,
  cursor: TailCursor,
  batch: Batch,
  logLane: number,
  { damaged, entries, next }: Scanned<FedEntry>
): void => {
  const { log, tails: { ring } } = core
  const end = Math.min(next, ring.base[logLane] ?? 0)
  const deletedTo = log.retainsSettled ? Math.min(firstOf(core, logLane), end) : 0
  let deleted = Math.max(0, deletedTo - (cursor.vector[logLane] ?? 0)) // Less what was found yet.
  const now = core.now()
  for (const entry of entries) {
    if (entry.offset >= end) break
    if (entry.offset < deletedTo) deleted--
    cursor.vector[logLane] = entry.offset + 1
    cursor.show(batch, entry, now)
  }
  cursor.vector[logLane] = end
  if (deleted > 0) cursor.skip(batch, "Retention", deleted)
  const lost = damaged.filter((offset) => offset < end).length
  if (lost > 0) cursor.skip(batch, "Damaged", lost)
}

const pause = (unavailable: LogUnavailable): Effect.Effect<void> =>
  Effect.andThen(
    Effect.logWarning("the log could not be read for a tail; trying again", unavailable),
    Effect.sleep(readRetryMs)
  )
