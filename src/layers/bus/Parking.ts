/**
 * Parking: what is done about deliveries that were kept aside.
 *
 * Each change is made in memory at once and waits for the commit that stores it, as an ack does:
 * the old row goes and the new one comes in the same commit.
 */
import * as Effect from "effect/Effect"
import * as Iterable from "effect/Iterable"
import type { ParkReason } from "../../domain/Delivery.ts"
import type { BusClosed } from "../../services/MessageBus.ts"
import type { LogUnavailable } from "../../services/MessageLog.ts"
import type { Parked, ParkedDelivery, ParkedFilter } from "../../services/Parked.ts"
import type { Core } from "./Core.ts"
import { closedOf, isOpen } from "./Openness.ts"
import { place } from "./OwnRowDelivery.ts"
import { ownEntry } from "./OwnRows.ts"
import { Pending, state } from "./Pending.ts"

/** Deliveries released or dropped in one commit. */
export const parkedBatchMax = 500

/** The parked deliveries of `core`. */
export const make = (core: Core): Parked => ({
  list: (filter, after, limit) => Effect.sync(() => page(core, filter, after, limit).map(describe)),
  release: (filter) =>
    Effect.map(inBatches(core, filter, (parked) => release(core, parked)), (released) => ({
      released
    })),
  drop: (filter) =>
    Effect.map(inBatches(core, filter, (parked) => drop(core, parked)), (dropped) => ({ dropped }))
})

/** Everything parked that is meant, above row `after`, in no order: some rows were renewed. */
function* meant(core: Core, filter: ParkedFilter, after: number): Generator<Pending> {
  const { ids, reason, subscription, topic } = filter
  const wanted = ids === undefined ? undefined : new Set(ids)
  for (const { ownRows, subscription: { name }, totals } of core.consumers.values()) {
    if (totals.parked === 0 || (subscription !== undefined && subscription !== name)) continue
    for (const delivery of ownRows.values()) {
      const { entry, ownRow, parked } = delivery
      if (
        delivery.state === state.parked && ownRow > after &&
        (wanted === undefined || wanted.has(ownRow)) &&
        (topic === undefined || entry.message.topic === topic) &&
        (reason === undefined || parked?.reason === reason)
      ) yield delivery
    }
  }
}

const page = (
  core: Core,
  filter: ParkedFilter,
  after: number,
  limit: number
): ReadonlyArray<Pending> =>
  [...meant(core, filter, after)].toSorted((a, b) => a.ownRow - b.ownRow).slice(0, limit)

const describe = ({ attempts, consumer, entry, ownRow, parked }: Pending): ParkedDelivery => ({
  id: ownRow,
  subscription: consumer.subscription.name,
  message: entry.message,
  reason: reasonOf(parked?.reason),
  error: parked?.error ?? "",
  attempts,
  parkedAt: parked?.at ?? 0
})

/** A log keeps it as text. */
const reasonOf = (text: string | undefined): ParkReason =>
  text === "DeadLettersFull" ? "DeadLettersFull" : "Fate"

/** Changes all that are meant and parked now; what is parked anew meanwhile has a greater id. */
const inBatches = (
  core: Core,
  filter: ParkedFilter,
  change: (parked: Pending) => void
): Effect.Effect<number, LogUnavailable | BusClosed> =>
  Effect.suspend(() => {
    const end = core.numbers.ownRowsEnd
    const from = (changed: number): Effect.Effect<number, LogUnavailable | BusClosed> =>
      Effect.suspend(() => {
        if (!isOpen(core)) return Effect.fail(closedOf(core))
        const before = Iterable.filter(meant(core, filter, -1), ({ ownRow }) => ownRow < end)
        const batch = [...Iterable.take(before, parkedBatchMax)]
        if (batch.length === 0) return Effect.succeed(changed)
        batch.forEach(change)
        const stored = core.log.retainsSettled ? core.settler.settled : Effect.yieldNow
        return Effect.andThen(stored, from(changed + batch.length))
      })
    return from(0)
  })

const drop = (core: Core, parked: Pending): void => {
  parked.consumer.totals.dropped++
  core.settle(parked)
}

/** Another row at the tail; the number that was pending stays the same. */
const release = (core: Core, parked: Pending): void => {
  const { consumer, entry, order, ownRow } = parked
  const again = new Pending(
    ownEntry(entry, core.log.head(entry.logLane)),
    consumer,
    undefined,
    order,
    core.numbers.ownRow(entry.partition)
  )
  consumer.totals.parked--
  parked.state = state.settled
  core.ownRows.remove(parked)
  core.settler.removeOwnRow(ownRow)
  place(core, again)
  core.settler.touchOwnRow(again)
}
