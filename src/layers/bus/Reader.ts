/**
 * The reader: brings a consumer that lags from the log up to the head, with bounded read-ahead.
 *
 * Every consumer starts so (after a restart, or with `from: "earliest"`). Once it has read all
 * lanes to the point up to which live consumers are served, it becomes live in the same step, so
 * that no message falls between.
 */
import * as Effect from "effect/Effect"
import { logLaneCount } from "../../domain/Position.ts"
import type { LogEntry, LogUnavailable, Scanned } from "../../services/MessageLog.ts"
import type { Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"
import { wantsEntry } from "./Filtering.ts"
import { keepLease } from "./LeasesKept.ts"
import { Pending, state } from "./Pending.ts"
import type { Slot } from "./Slot.ts"
import { isSuspect } from "./Suspects.ts"
import { countUnread, noteRead, noteUnwanted } from "./Unread.ts"

/** Most messages of one lane read at a time: lanes take turns. */
export const scanCountMax = 256

/** Wait after the log failed to read. */
export const readRetryMs = 1_000

/** Log lanes in the order of reading: the high one of every partition before the normal ones. */
const readingOrder = [
  ...Array.from({ length: logLaneCount / 2 }, (_, partition) => partition * 2),
  ...Array.from({ length: logLaneCount / 2 }, (_, partition) => partition * 2 + 1)
]

/** Reads until the consumer is live or closed. */
export const catchUp = (core: Core, consumer: Consumer): Effect.Effect<void> => {
  const position = Float64Array.from(
    { length: logLaneCount },
    (_, logLane) =>
      // What another consumer gave up lies below where that one looked.
      consumer.tracks[logLane]?.position ??
        Math.max(consumer.lookedAt?.[logLane] ?? 0, consumer.subscription.starts[logLane] ?? 0)
  )
  consumer.readTo = position
  const counted = countUnread(core, consumer, position)
  const turn = Effect.suspend((): Effect.Effect<unknown, LogUnavailable> => {
    if (core.log.retainsSettled && core.readAheadFull(consumer)) return roomMade(core, consumer)
    const logLane = readingOrder.find((lane) => (position[lane] ?? 0) < (core.seen[lane] ?? 0))
    if (logLane === undefined) { // In this very step: what is published later is pushed.
      goLive(core, consumer)
      return Effect.void
    }
    const from = position[logLane] ?? 0
    return Effect.map(read(core, consumer, logLane, from), (scanned) => {
      // Partitions came or went meanwhile, and another reader has begun.
      if (consumer.closed || consumer.readTo !== position) return
      scanned.damaged.forEach((offset) => skipDamaged(core, consumer, logLane, offset))
      scanned.entries.forEach((entry) => {
        releaseOwnRows(core, consumer, logLane, entry.offset)
        take(core, consumer, entry)
      })
      consumer.tracks[logLane]?.passed(scanned.next)
      position[logLane] = scanned.next
      releaseOwnRows(core, consumer, logLane, scanned.next)
    })
  })
  const reading = Effect.whileLoop({
    // Others may run once it is live: should it lag again by then, another reader has begun.
    while: () => consumer.readTo === position && !consumer.closed,
    body: () => Effect.catch(turn, (unavailable) => pause(unavailable)),
    step: () => {}
  })
  // Beside the reader, which need not wait for it; it ends with the reader at the latest.
  return Effect.andThen(Effect.forkChild(counted, { startImmediately: true }), reading)
}

const pause = (unavailable: LogUnavailable): Effect.Effect<void> =>
  Effect.andThen(
    Effect.logWarning("the log could not be read; trying again", unavailable),
    Effect.sleep(readRetryMs)
  )

const read = (
  core: Core,
  consumer: Consumer,
  logLane: number,
  from: number
): Effect.Effect<Scanned, LogUnavailable> =>
  Effect.map(
    core.log.scan({
      logLane,
      from,
      countMax: Math.min(scanCountMax, core.options.readAhead.count - consumer.readAheadCount),
      bytesMax: Math.min(
        core.options.readAhead.bytes - consumer.readAheadBytes,
        core.options.readAhead.allBytes - core.readAheadBytes
      ),
      wants: consumer.wants
    }),
    (scanned) => upTo(scanned, core.seen[logLane] ?? 0)
  )

/** Leaves out what is committed but not yet pushed to live consumers: it will be pushed. */
const upTo = (scanned: Scanned, limit: number): Scanned =>
  scanned.next <= limit ? scanned : {
    entries: scanned.entries.filter(({ offset }) => offset < limit),
    damaged: scanned.damaged.filter((offset) => offset < limit),
    next: limit
  }

/** Waits until a settlement made room, or the consumer closed. */
const roomMade = (core: Core, consumer: Consumer): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const look = (): void => {
      if (!consumer.closed && stillFull(core, consumer)) consumer.wakers.add(look)
      else resume(Effect.void)
    }
    look() // Room may have been made since it was found full.
    return Effect.sync(() => consumer.wakers.delete(look))
  })

/** Reading goes on at half, so that it happens in batches and not for each settlement. */
const stillFull = (core: Core, consumer: Consumer): boolean =>
  consumer.readAheadCount > core.options.readAhead.count / 2 ||
  consumer.readAheadBytes > core.options.readAhead.bytes / 2 ||
  (core.isCrowded && consumer.readAheadCount > 0)

const goLive = (core: Core, consumer: Consumer): void => {
  consumer.live = true
  consumer.readTo = undefined
  consumer.countedTo = undefined
  consumer.unread = 0
  consumer.ownRowsAhead.takeAll().forEach((delivery) => enqueue(core, delivery))
  consumer.tracks.forEach((track, logLane) => track?.passed(core.seen[logLane] ?? 0))
}

const releaseOwnRows = (core: Core, consumer: Consumer, logLane: number, next: number): void => {
  const { ownRowsAhead } = consumer
  if (ownRowsAhead.size === 0) return
  // Mostly none is due: one look at the first of the lane.
  for (let due = ownRowsAhead.take(logLane, next); due !== undefined;) {
    enqueue(core, due)
    due = ownRowsAhead.take(logLane, next)
  }
}

const take = (core: Core, consumer: Consumer, entry: LogEntry): void => {
  const { key, topic } = entry.message
  const isSettled = consumer.tracks[entry.logLane]?.settledAhead(entry.offset) === true
  if (!isSettled && !wantsEntry(core, consumer, entry)) {
    return noteUnwanted(consumer, entry.logLane, entry.offset)
  }
  const track = consumer.track(entry.logLane)
  const delivery = new Pending(entry, consumer, track, consumer.orderOf(topic, key), -1)
  if (track.settledAhead(entry.offset)) {
    delivery.state = state.settled
    return track.add(delivery)
  }
  noteRead(consumer)
  consumer.totals.matched++
  delivery.attempts = track.takeAttempts(entry.offset)
  delivery.suspect = isSuspect(core, delivery)
  if (core.log.retainsSettled) core.holdReadAhead(delivery)
  else {
    if (entry.offset < (consumer.countedFrom[entry.logLane] ?? 0)) entry.pending++
    core.occupy(delivery, placeOf(core, entry))
  }
  track.add(delivery)
  // A leased one holds its key when it comes to its turn; without a key it just waits.
  if (keepLease(core, delivery) && delivery.order === undefined) return
  enqueue(core, delivery)
}

/** The place that another delivery of the message keeps, or else a new one. */
const placeOf = (core: Core, entry: LogEntry): Slot => {
  const { logLane, message, offset } = entry
  for (const { tracks } of core.topics.get(message.topic).consumers) { // Ends with the first.
    const slot = tracks[logLane]?.find(offset)?.slot
    if (slot !== undefined) return slot
  }
  return core.slotFor(entry)
}

/** Queues a delivery that came from the log, unless it ended while it waited for its turn. */
export const enqueue = (core: Core, delivery: Pending): void => {
  if (delivery.state === state.settled) return
  const { key, topic } = delivery.entry.message
  core.offer(delivery, core.shardOf(topic, key))
}

/** A damaged message: its deliveries end dropped, and are counted. */
const skipDamaged = (core: Core, consumer: Consumer, logLane: number, offset: number): void => {
  const track = consumer.track(logLane)
  if (!track.settleAhead(offset)) return
  consumer.totals.matched++
  consumer.totals.dropped++
  core.settler.touch(consumer, track)
}
