/**
 * Following a tail: its events are pushed to a writer as they come, while it is quick enough.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { TailEvent } from "../../services/Tails.ts"
import type { Core } from "./Core.ts"
import type { TailCursor } from "./TailCursor.ts"
import { type Amount, count, emptyBatch, fromLog, fromRing } from "./TailReading.ts"

/** Takes events, at once; says whether it has room for more. */
export type Write = (events: ReadonlyArray<TailEvent>) => boolean

/**
 * Gives the events of a tail to `write` until that is full or the tail has ended, which it tells
 * by `true`. A turn of a fibre for each event was half of what a stream cost, so it wakes only to
 * read the log.
 */
export const followEvents = (
  core: Core,
  cursor: TailCursor,
  wanted: Amount,
  write: Write
): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const again = followEvents(core, cursor, wanted, write)
    const goOn = (stand: Stand): Effect.Effect<boolean> => {
      switch (stand) {
        case "Full":
        case "Ended":
          return Effect.succeed(stand === "Ended")
        case "Behind":
          return Effect.flatMap(
            giveFromLog(core, cursor, wanted, write),
            (hasRoom) => hasRoom ? again : Effect.succeed(false)
          )
        case "Resting":
          return Effect.flatMap(rest(core, cursor, wanted, write), goOn)
      }
    }
    return goOn(giveFromRing(core, cursor, wanted, write))
  })

/** How a tail stands once everything in the ring was given, or as much as there was room for. */
type Stand = "Full" | "Ended" | "Behind" | "Resting"

const giveFromRing = (core: Core, cursor: TailCursor, wanted: Amount, write: Write): Stand => {
  while (true) { // Hot: for every tail and burst. The ring does not grow meanwhile.
    const batch = emptyBatch(wanted)
    cursor.begin(batch)
    fromRing(core, cursor, batch)
    if (batch.events.length === 0) break
    count(core, batch.events)
    if (!write(batch.events)) return "Full"
  }
  return cursor.ended !== undefined ? "Ended" : cursor.isBehind ? "Behind" : "Resting"
}

/** Gives what one look into the log finds; says whether there is room for more. */
const giveFromLog = (
  core: Core,
  cursor: TailCursor,
  wanted: Amount,
  write: Write
): Effect.Effect<boolean> => {
  const batch = emptyBatch(wanted)
  return Effect.map(fromLog(core, cursor, batch), () => {
    count(core, batch.events)
    return batch.events.length === 0 || write(batch.events)
  })
}

/** Sleeps, and when woken gives what matches and sleeps on, for as long as it can. */
const rest = (
  core: Core,
  cursor: TailCursor,
  wanted: Amount,
  write: Write
): Effect.Effect<Stand> =>
  Effect.callback((resume) => {
    const { tails } = core
    // Others are woken in the same breath, so what goes wrong here must stay here.
    const wake = () => {
      const stand = Result.try(() => giveFromRing(core, cursor, wanted, write))
      if (Result.isFailure(stand)) resume(Effect.die(stand.failure))
      else if (stand.success === "Resting") tails.park(cursor, wake, follower)
      else resume(Effect.succeed(stand.success))
    }
    const follower = {
      ...wanted,
      write,
      full: () => resume(Effect.succeed("Full")),
      broke: (bug: unknown) => resume(Effect.die(bug))
    }
    // Between looking and parking other fibres may have run.
    if (cursor.sequence < tails.ring.next || cursor.ended !== undefined) return wake()
    tails.park(cursor, wake, follower)
    return Effect.sync(() => tails.unpark(cursor))
  })
