/**
 * Log mode: a handler that falls behind the others goes on from the log.
 *
 * Without it one slow subscription would close the gate for all who publish what fast ones have
 * long settled. So slots that one consumer alone still holds are counted; beyond 0.4 of a shard it
 * gives up what it has not begun, keeps the rest as read-ahead, and reads from the log until it has
 * caught up. A message that only one handler wanted never counts: a lone slow handler does close
 * the gate. Source: design, section 5, "Log mode".
 */
import type { Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"
import { place } from "./OwnRowDelivery.ts"
import { Pending, state } from "./Pending.ts"
import type { StartReader } from "./Router.ts"
import type { Shard } from "./Shard.ts"
import type { Slot } from "./Slot.ts"
import { isSuspect } from "./Suspects.ts"

/** Share of a shard's slots or bytes that one consumer may hold alone. */
export const soleShare = 0.4

/** Who holds slots alone, and what becomes of it. */
export class LogMode {
  private readonly core: Core
  /** By number, so that the last holder of a slot is found from a sum. */
  private readonly consumers = new Map<number, Consumer>()
  private nextNumber = 1
  /** Starts the reader of a consumer. Set once, before anything is published. */
  startReader: StartReader = () => {}

  constructor(core: Core) {
    this.core = core
  }

  /** The number of a new consumer. */
  enter(consumer: Consumer): void {
    consumer.number = this.nextNumber++
    this.consumers.set(consumer.number, consumer)
  }

  /** A consumer is gone; it holds no slot any more. */
  leave(consumer: Consumer): void {
    this.consumers.delete(consumer.number)
  }

  /** All but one of the holders of a slot settled. Constant time: for every such message. */
  alone(slot: Slot): void {
    const consumer = this.consumers.get(slot.holderSum)
    if (consumer === undefined || !this.core.log.retainsSettled) return
    slot.belongTo(consumer)
    if (consumer.isSpilling || !isOver(consumer, slot.shard)) return
    consumer.isSpilling = true
    // Not within the step that settled the other delivery.
    queueMicrotask(() => this.spill(consumer))
  }

  private spill(consumer: Consumer): void {
    const { core } = this
    consumer.isSpilling = false
    const over = core.shards.find((shard) => isOver(consumer, shard))
    if (over === undefined || !consumer.live || consumer.closed) return
    const { bytes, slots } = consumer.soleOf(over.id)
    consumer.live = false
    consumer.lookedAt = core.seen.slice()
    const given = giveUpTails(core, consumer)
    const orders = new Set<string>()
    for (const delivery of given) {
      abandon(delivery)
      core.free(delivery) // One that was read from the log before counts as read ahead.
      if (delivery.order !== undefined) orders.add(delivery.order)
    }
    consumer.totals.matched -= given.length // The reader finds them again.
    for (const row of [...consumer.ownRows.values()]) {
      if (waitsBehind(row, orders)) renewOwnRow(core, consumer, row)
    }
    const kept = [...consumer.unsettled()].filter(({ slot }) => slot !== undefined)
    for (const delivery of kept) {
      abandon(delivery)
      core.holdReadAhead(delivery)
    }
    orders.forEach((order) => consumer.order.forget(order))
    core.shards.forEach((shard) => shard.lanes.takeOut(() => false)) // Drops what was given up.
    consumer.totals.spills++
    core.decide({
      kind: "log-mode",
      subject: `subscription ${consumer.subscription.name}`,
      rule: "who alone holds more than this share of a shard goes on from the log",
      inputs: {
        soleShare,
        shard: over.id,
        soleSlots: slots,
        soleBytes: bytes,
        given: given.length,
        kept: kept.length
      },
      outcome: "Log"
    })
    this.startReader(consumer)
  }
}

/** Gives up the place of a delivery that is not settled; who still holds it outlived nobody. */
export const abandon = (delivery: Pending): void => {
  const { slot } = delivery
  if (slot === undefined) return
  delivery.slot = undefined
  slot.shared = 1
  slot.leave(delivery.consumer)
}

/** Whether an own row waits for what was given up of its key: it does so from the log, too. */
const waitsBehind = (
  { consumer, entry, handOut, order, state: now }: Pending,
  given: ReadonlySet<string>
): boolean =>
  now === state.queued && handOut === 0 && order !== undefined && given.has(order) &&
  entry.offset > (consumer.tracks[entry.logLane]?.position ?? 0)

/** Places the delivery of an own row anew, at a consumer that reads from the log. */
export const renewOwnRow = (core: Core, consumer: Consumer, old: Pending): void => {
  const renewed = new Pending(old.entry, consumer, undefined, old.order, old.ownRow)
  renewed.attempts = old.attempts
  renewed.dueAt = old.dueAt
  renewed.parked = old.parked
  renewed.suspect = isSuspect(core, renewed)
  core.ownRows.remove(old)
  if (old.state === state.parked) consumer.totals.parked--
  old.state = state.settled
  place(core, renewed)
  core.settler.touchOwnRow(renewed)
}

const isOver = (consumer: Consumer, { id, limits: { bytesMax, slotsMax } }: Shard): boolean => {
  const { bytes, slots } = consumer.soleOf(id)
  return slots > soleShare * slotsMax || bytes > soleShare * bytesMax
}

/** Ends, in memory only, what lies behind the last begun delivery of every lane. */
const giveUpTails = (core: Core, consumer: Consumer): ReadonlyArray<Pending> =>
  consumer.tracks.flatMap((track) => {
    if (track === undefined) return []
    const given = track.giveUpTail()
    given.forEach((delivery) => delivery.state = state.settled)
    if (given.length === 0) track.passed(core.seen[track.logLane] ?? 0)
    return given
  })
