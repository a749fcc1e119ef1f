/**
 * Replacement: another consumer takes over a subscription, from the log.
 *
 * What the old one holds and has not settled is given up in memory and read again by the new one,
 * so nothing moves between two owners. Running handlers end first; leases are void.
 */
import * as Effect from "effect/Effect"
import type { LogEntry } from "../../services/MessageLog.ts"
import type { Attachment, Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"
import { abandon, renewOwnRow } from "./LogMode.ts"
import { takeBack } from "./Outcomes.ts"
import { state } from "./Pending.ts"
import { introduce, type StartReader } from "./Router.ts"

/**
 * Starts no more handlers and waits until none runs; each has its time limit. Still live: what is
 * published until it is replaced takes its slots.
 */
export const retire = (old: Consumer): Effect.Effect<void> =>
  Effect.callback((resume) => {
    old.closed = true
    const look = (): void => {
      if (old.inFlight === 0) resume(Effect.void)
      else old.wakers.add(look)
    }
    look()
  })

/** Replaces `old`, whose handlers ended; returns when the new consumer is in place. */
export const replaceConsumer = (
  core: Core,
  startReader: StartReader,
  old: Consumer,
  attachment: Attachment
): Effect.Effect<void> =>
  Effect.uninterruptible(Effect.suspend(() => takeOver(core, startReader, old, attachment)))

const takeOver = (
  core: Core,
  startReader: StartReader,
  old: Consumer,
  attachment: Attachment
): Effect.Effect<void> => {
  if (old.live) old.lookedAt = core.seen.slice()
  old.live = false
  old.closed = true
  old.wake()
  core.logMode.leave(old)
  const next = core.consumer(old.subscription, attachment, old.totals)
  next.lookedAt = old.lookedAt
  // A log that forgets keeps what the old one held until the new one, whose filter may be another,
  // has counted what it takes.
  const held = core.log.retainsSettled ? [] : heldBy(old)
  if (!core.log.retainsSettled) next.countedFrom = core.seen.slice()
  let waiting = 0 // Counted in the same pass over what may be a million deliveries.
  for (const delivery of [...old.unsettled()]) {
    if (delivery.state === state.waiting) waiting++
    if (delivery.state === state.running) takeBack(core, delivery) // A lease: void from now on.
    abandon(delivery)
    core.free(delivery)
    core.passSuspicion(delivery)
    if (delivery.track === undefined) renewOwnRow(core, next, delivery)
    else old.totals.matched--
  }
  for (const track of old.tracks) {
    if (track === undefined) continue
    next.restore(track.cursor(old.subscription.incarnation))
    core.settler.touch(next, next.track(track.logLane))
  }
  core.retries.leave(waiting)
  const taken = introduce(core, startReader, next)
  return held.length === 0 ? taken : Effect.andThen(taken, letGo(core, held))
}

const heldBy = (old: Consumer): ReadonlyArray<LogEntry> =>
  [...old.unsettled()].flatMap(({ entry, track }) => track === undefined ? [] : [entry])

const letGo = (core: Core, held: ReadonlyArray<LogEntry>): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const entry of held) if (--entry.pending === 0) core.log.release(entry)
  })
