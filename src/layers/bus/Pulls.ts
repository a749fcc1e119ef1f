/**
 * Pulls: deliveries leased to remote consumers, and what they send back.
 */
import * as Effect from "effect/Effect"
import * as AckId from "../../domain/AckId.ts"
import { type Failure, Outcome } from "../../domain/Delivery.ts"
import {
  SubscriptionBroadcast,
  SubscriptionHandled,
  SubscriptionUnknown
} from "../../domain/Subscription.ts"
import {
  type BusClosed,
  type LeasedDelivery,
  pullMax,
  type Settled
} from "../../services/MessageBus.ts"
import type { LogUnavailable, Take } from "../../services/MessageLog.ts"
import type { Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"
import { leasesMax } from "./LeaseClock.ts"
import { endKept, endUnread, isKept, placeOf, waitUntil } from "./LeasesKept.ts"
import { closedOf } from "./Openness.ts"
import { apply, beforeHandOut, begin, fail, isEarly, postpone } from "./Outcomes.ts"
import { ownRowFromMs, toOwnRow } from "./OwnRows.ts"
import { type Pending, state } from "./Pending.ts"
import { noteRead } from "./Unread.ts"

const gaveBack: Failure = {
  tag: undefined,
  error: "the consumer gave it back",
  isPermanent: false
}

/** The consumer of a name, unless there is none or the bus has ended. */
export const find = (
  core: Core,
  name: string
): Effect.Effect<Consumer, SubscriptionUnknown | BusClosed> =>
  Effect.suspend((): Effect.Effect<Consumer, SubscriptionUnknown | BusClosed> => {
    const consumer = core.consumers.get(name)
    if (core.state === "Closed" || core.state === "NotStarted") {
      return Effect.fail(closedOf(core))
    }
    return consumer === undefined
      ? Effect.fail(new SubscriptionUnknown({ name }))
      : Effect.succeed(consumer)
  })

/** Leases up to `max` deliveries, after waiting up to `waitMs` for the first. */
export const pull = (
  core: Core,
  name: string,
  max: number,
  waitMs: number
): Effect.Effect<
  ReadonlyArray<LeasedDelivery>,
  SubscriptionUnknown | SubscriptionHandled | SubscriptionBroadcast | LogUnavailable | BusClosed
> =>
  Effect.gen(function*() {
    const until = core.now() + Math.min(waitMs, pullMax.waitMs)
    for (;;) {
      const consumer = yield* find(core, name)
      if (consumer.isBroadcast) return yield* new SubscriptionBroadcast({ name })
      if (consumer.handler !== undefined) return yield* new SubscriptionHandled({ name })
      if (core.state === "Closing") return yield* closedOf(core)
      const { wakes } = consumer
      const taken = takeReady(core, consumer, Math.min(max, pullMax.count))
      if (taken.length > 0) return yield* Effect.uninterruptible(lease(core, consumer, taken))
      const left = until - core.now()
      if (left <= 0) return []
      yield* Effect.timeoutOption(changed(consumer, wakes), left)
    }
  })

/** Waits until something may have become ready since the consumer was woken `wakes` times. */
export const changed = (consumer: Consumer, wakes: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (consumer.wakes !== wakes) return resume(Effect.void)
    const waker = (): void => resume(Effect.void)
    consumer.wakers.add(waker)
    return Effect.sync(() => consumer.wakers.delete(waker))
  })

/** Takes what may go out now. Deliveries of one key go out together, in order. */
const takeReady = (core: Core, consumer: Consumer, max: number): ReadonlyArray<Pending> => {
  const taken: Array<Pending> = []
  const run = ++core.handOuts
  const now = core.now()
  const room = Math.min(max, leasesMax - consumer.inFlight)
  let bytes = 0 // One pass over thousands of deliveries.
  while (taken.length < room && bytes < pullMax.bytes) {
    const delivery = consumer.ready.take()
    if (delivery === undefined) break
    const { entry, order } = delivery
    if (core.leaving.has(entry.partition) || isEarly(delivery)) continue
    if (order !== undefined && !consumer.order.admit(order, delivery, run)) continue
    const refused = beforeHandOut(delivery, now)
    if (refused !== undefined) {
      apply(core, delivery, refused)
      continue
    }
    begin(core, delivery, now)
    delivery.leaseUntil = now + consumer.subscription.options.ackTimeoutMs
    core.leases.add(delivery)
    bytes += entry.bytes
    taken.push(delivery)
  }
  return taken
}

/** Journals the hand-outs and describes them; without a journal nothing is handed out. */
const lease = (
  core: Core,
  consumer: Consumer,
  taken: ReadonlyArray<Pending>
): Effect.Effect<ReadonlyArray<LeasedDelivery>, LogUnavailable> => {
  const leased = Effect.sync(() => taken.map((delivery) => describe(core, delivery)))
  if (!core.log.journals) return leased
  const journalled = core.log.journal(taken.map((delivery): Take => ({
    incarnation: consumer.subscription.incarnation,
    ...placeOf(delivery),
    attempt: delivery.attempts
  })))
  return Effect.andThen(
    Effect.tapCause(
      journalled,
      () => Effect.sync(() => taken.forEach((delivery) => postpone(core, delivery, 0)))
    ),
    leased
  )
}

const describe = (core: Core, delivery: Pending): LeasedDelivery => ({
  ackId: AckId.format({
    incarnation: delivery.consumer.subscription.incarnation,
    ...placeOf(delivery),
    attempt: delivery.attempts,
    handOut: delivery.handOut,
    epoch: core.log.epochOf(delivery.entry.partition)
  }),
  attempt: delivery.attempts,
  leaseExpiresAt: delivery.leaseUntil,
  message: delivery.entry.message
})

/** Acknowledges; returns once that is committed. */
export const ack = (core: Core, name: string, ackIds: ReadonlyArray<string>) =>
  Effect.flatMap(find(core, name), (consumer) => {
    let wasReady = false // Whether any was handed out by a former process and read since.
    const settled = each(core, consumer, ackIds, (delivery) => {
      wasReady ||= delivery.state === state.queued
      apply(core, delivery, Outcome.Ack())
      return true
    }, (id) => ackUnread(core, consumer, id))
    if (wasReady) consumer.ready.takeOut(() => false) // Perhaps nobody ever pulls.
    return settled.done === 0 || !core.log.retainsSettled
      ? Effect.succeed(settled)
      : Effect.as(core.settler.settled, settled)
  })

/** Gives back as failed. */
export const nack = (
  core: Core,
  name: string,
  ackIds: ReadonlyArray<string>,
  delayMs: number | undefined
) =>
  Effect.flatMap(find(core, name), (consumer) => {
    const settled = each(core, consumer, ackIds, (delivery) => {
      if (delivery.state === state.running) fail(core, delivery, gaveBack, delayMs)
      else if (isKept(delivery)) giveBack(core, delivery, delayMs ?? 0)
      // Otherwise a former process handed it out, and it goes out again already.
      else return delivery.state === state.queued && (delayMs ?? 0) === 0
      return true
    })
    return settled.done === 0 || !core.log.retainsSettled
      ? Effect.succeed(settled)
      : Effect.as(core.settler.settled, settled)
  })

/** Lets a delivery that a former process handed out wait, as one does that failed here. */
const giveBack = (core: Core, delivery: Pending, waitMs: number): void => {
  endKept(delivery)
  if (waitMs >= ownRowFromMs) toOwnRow(core, delivery)
  waitUntil(core, delivery, core.now() + waitMs)
}

/** Lets leases run for `byMs` from now. */
export const extend = (core: Core, name: string, ackIds: ReadonlyArray<string>, byMs: number) =>
  Effect.map(find(core, name), (consumer) =>
    each(core, consumer, ackIds, (delivery) => {
      if (isKept(delivery)) waitUntil(core, delivery, core.now() + byMs)
      else if (delivery.state === state.running) {
        core.leases.remove(delivery)
        delivery.leaseUntil = core.now() + byMs
        core.leases.add(delivery)
      } else return false
      return true
    }))

/**
 * Applies `change` to each delivery whose hand-out an ack id names and that is still valid; what it
 * returns is whether it took effect.
 */
const each = (
  core: Core,
  consumer: Consumer,
  ackIds: ReadonlyArray<string>,
  change: (delivery: Pending) => boolean,
  unread: (id: AckId.AckId) => boolean = () => false
): Settled => {
  const unknown = ackIds.filter((text) => {
    const id = AckId.parse(text)
    if (id === undefined || id.incarnation !== consumer.subscription.incarnation) return true
    const delivery = id.logLane === AckId.ownRowLane
      ? consumer.ownRows.get(id.offset)
      : consumer.tracks[id.logLane]?.find(id.offset)
    if (delivery === undefined) return !unread(id)
    return !isValid(core, delivery, id) || !change(delivery)
  })
  return { done: ackIds.length - unknown.length, unknown }
}

/** Valid while unsettled and not handed out again, also by a successor of the process. */
const isValid = (core: Core, delivery: Pending, id: AckId.AckId): boolean => {
  const epoch = core.log.epochOf(delivery.entry.partition)
  return id.epoch === epoch
    ? delivery.state === state.running && delivery.handOut === id.handOut
    : id.epoch < epoch && delivery.handOut === 0 && delivery.attempts > 0 &&
      id.attempt >= delivery.attempts // A power cut may have lost the last attempts, not more.
}

/** An ack for what a former process handed out and this one has not read yet. */
const ackUnread = (core: Core, consumer: Consumer, id: AckId.AckId): boolean => {
  const { logLane, offset } = id
  const read = consumer.live || logLane === AckId.ownRowLane ||
    offset < (consumer.tracks[logLane]?.position ?? 0) || offset >= core.log.head(logLane) ||
    offset < (consumer.subscription.starts[logLane] ?? 0)
  if (read || id.epoch >= core.log.epochOf(AckId.partitionOf(id))) return false
  const track = consumer.track(logLane)
  if (id.attempt < track.attemptsAt(offset) || !track.settleAhead(offset)) return false
  noteRead(consumer)
  endUnread(consumer, id)
  consumer.totals.matched++
  consumer.totals.acked++
  core.settler.touch(consumer, track)
  return true
}
