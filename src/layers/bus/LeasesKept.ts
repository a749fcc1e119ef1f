/**
 * Kept leases: what consumers hold while the process changes.
 *
 * A process that ends in order writes the live leases; its successor hands those deliveries to
 * nobody until the leases end, and takes their ack ids meanwhile. Source: design, P7.
 */
import { ownRowLane } from "../../domain/AckId.ts"
import type { LeaseKept, Recovered } from "../../services/MessageLog.ts"
import type { Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"
import type { LeaseUnread } from "./LeaseClock.ts"
import { type Pending, state } from "./Pending.ts"

/** The live leases of all consumers: those made here, and those of a former process that go on. */
export const liveLeases = (core: Core): ReadonlyArray<LeaseKept> =>
  [...core.consumers.values()].flatMap((consumer) => [
    ...[...consumer.unsettled()].filter(isLeased).map((delivery): LeaseKept => ({
      incarnation: consumer.subscription.incarnation,
      ...placeOf(delivery),
      attempt: delivery.attempts,
      leaseUntil: isKept(delivery) ? delivery.dueAt : delivery.leaseUntil,
      order: delivery.order
    })),
    // Not read yet, so nobody could end them.
    ...[...consumer.leasesAhead.values()].filter(({ leaseUntil }) => leaseUntil > core.now())
  ])

const isLeased = (delivery: Pending): boolean =>
  delivery.state === state.running ? delivery.leaseBucket >= 0 : isKept(delivery)

/** Where a delivery is found again: its place in the log, or its own row. */
export const placeOf = ({ entry, ownRow, track }: Pending) =>
  track === undefined
    ? { logLane: ownRowLane, offset: ownRow }
    : { logLane: entry.logLane, offset: entry.offset }

/** Leases of a former process by place, until their deliveries are there. */
export type LeasesAhead = Map<string, LeaseKept>

const keyOf = ({ logLane, offset }: ReturnType<typeof placeOf>): string => `${logLane}/${offset}`

/**
 * Notes the leases that a former process wrote and that still count: what settled or was handed out
 * since has none. Each guards its key from now on, over both lanes, because the other lane may be
 * read first.
 */
export const noteLeases = (
  core: Core,
  consumers: ReadonlyMap<number, Consumer>,
  { leases, ownRows }: Pick<Recovered, "leases" | "ownRows">
): void => {
  if (leases.length === 0) return
  const rows = new Map(ownRows.map(({ attempts, id }) => [id, attempts]))
  const now = core.now()
  for (const lease of leases.toSorted((a, b) => b.leaseUntil - a.leaseUntil)) {
    const { attempt, incarnation, leaseUntil, logLane, offset, order } = lease
    const consumer = consumers.get(incarnation)
    const track = consumer?.tracks[logLane]
    const attempts = logLane === ownRowLane ? rows.get(offset) : track?.attemptsAt(offset)
    if (consumer === undefined || leaseUntil <= now || attempts !== attempt) continue
    if (track?.settledAhead(offset) === true) continue
    consumer.leasesAhead.set(keyOf(lease), lease)
    if (order !== undefined) consumer.order.guard(order)
    core.leases.unread.push([consumer, lease])
  }
}

/** Ends a lease whose delivery was not read yet; does nothing when there is none. */
export const endUnread = (
  consumer: Consumer,
  place: ReturnType<typeof placeOf>
): void => {
  const lease = consumer.leasesAhead.get(keyOf(place))
  if (lease === undefined) return
  consumer.leasesAhead.delete(keyOf(place))
  if (lease.order !== undefined) consumer.order.endGuard(lease.order)
}

/** Ends the leases that ran out before their deliveries were read. */
export const endOverdue = (unread: Array<LeaseUnread>, now: number): void => {
  // The first to end is the last of them. What was read since waits by itself.
  for (let next = unread.at(-1); next !== undefined; next = unread.at(-1)) {
    const [consumer, lease] = next
    if (lease.leaseUntil > now) return
    unread.pop()
    endUnread(consumer, lease)
  }
}

/** Ends the lease that a delivery waits for, if it does: nobody has it any more. */
export const endKept = (delivery: Pending): void => {
  const { consumer, order } = delivery
  if (!isKept(delivery)) return
  delivery.leaseUntil = 0
  if (order !== undefined) consumer.order.endGuard(order)
}

/**
 * Lets a delivery that has come back wait until its lease ends, if it has one that still counts.
 * What is for handlers now has none.
 */
export const keepLease = (core: Core, delivery: Pending): boolean => {
  const { consumer: { leasesAhead } } = delivery
  if (leasesAhead.size === 0) return false
  const place = keyOf(placeOf(delivery))
  const lease = leasesAhead.get(place)
  if (lease === undefined) return false
  leasesAhead.delete(place) // The delivery holds its guard now.
  delivery.state = state.waiting
  delivery.leaseUntil = lease.leaseUntil
  waitUntil(core, delivery, lease.leaseUntil)
  return true
}

/** Whether a delivery waits for the end of a lease of a former process. */
export const isKept = ({ handOut, leaseUntil, state: now }: Pending): boolean =>
  now === state.waiting && handOut === 0 && leaseUntil > 0

/** Whether somebody has a delivery now: a handler, or a consumer, perhaps of a former process. */
export const isHandedOut = (delivery: Pending): boolean =>
  delivery.state === state.running || isKept(delivery)

/** Ends the wait of a delivery at another time (Unix milliseconds). */
export const waitUntil = (core: Core, delivery: Pending, due: number): void => {
  delivery.dueAt = due
  core.retries.add(delivery, due)
}
