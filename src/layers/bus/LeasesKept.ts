/**
 * Kept leases: what consumers hold while the process changes.
 *
 * A process that ends in order writes the live leases; its successor hands those deliveries to
 * nobody until the leases end, and takes their ack ids meanwhile. Source: design, P7.
 */
import { ownRowLane } from "../../domain/AckId.ts"
import type { LeaseKept } from "../../services/MessageLog.ts"
import type { Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"
import { type Pending, state } from "./Pending.ts"

/** The live leases of all consumers: those made here, and those of a former process that go on. */
export const liveLeases = (core: Core): ReadonlyArray<LeaseKept> =>
  [...core.consumers.values()].flatMap((consumer) => [
    ...[...consumer.unsettled()].filter(isLeased).map((delivery): LeaseKept => ({
      incarnation: consumer.subscription.incarnation,
      ...placeOf(delivery),
      attempt: delivery.attempts,
      leaseUntil: isKept(delivery) ? delivery.dueAt : delivery.leaseUntil
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

/** Notes the leases that a former process wrote. */
export const noteLeases = (
  consumers: ReadonlyMap<number, Consumer>,
  leases: ReadonlyArray<LeaseKept>
): void =>
  leases.forEach((lease) => consumers.get(lease.incarnation)?.leasesAhead.set(keyOf(lease), lease))

/**
 * Lets a delivery that has come back wait until its lease ends, if it has one that still counts.
 * What was handed out since, or is for handlers now, has none.
 */
export const keepLease = (core: Core, delivery: Pending): boolean => {
  const { attempts, consumer } = delivery
  if (consumer.leasesAhead.size === 0) return false
  const place = keyOf(placeOf(delivery))
  const lease = consumer.leasesAhead.get(place)
  consumer.leasesAhead.delete(place)
  if (lease === undefined || lease.attempt !== attempts || lease.leaseUntil <= core.now()) {
    return false
  }
  delivery.state = state.waiting
  delivery.leaseUntil = lease.leaseUntil
  waitUntil(core, delivery, lease.leaseUntil)
  return true
}

/** Whether a delivery waits for the end of a lease of a former process. */
export const isKept = ({ handOut, leaseUntil, state: now }: Pending): boolean =>
  now === state.waiting && handOut === 0 && leaseUntil > 0

/** Ends the wait of a delivery at another time (Unix milliseconds). */
export const waitUntil = (core: Core, delivery: Pending, due: number): void => {
  delivery.dueAt = due
  core.retries.add(delivery, due)
}
