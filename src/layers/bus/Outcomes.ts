/**
 * Outcomes: what happens to a delivery after it was decided.
 */
import * as Cause from "effect/Cause"
import type * as Data from "effect/Data"
import {
  afterFailure,
  beforeAttempt,
  type DeadLetterReason,
  type Failure,
  Outcome,
  PermanentFailure
} from "../../domain/Delivery.ts"
import { tagOf, wordsOf } from "../../domain/ErrorWords.ts"
import { enteredAt } from "../../domain/Message.ts"
import { HandlerFailed, HandlerNotBegun } from "../../services/Executor.ts"
import type { Core } from "./Core.ts"
import { deadlineOf } from "./Deadline.ts"
import { leasesMax } from "./LeaseClock.ts"
import { endKept } from "./LeasesKept.ts"
import { ownRowFromMs, toOwnRow } from "./OwnRows.ts"
import { type Pending, state } from "./Pending.ts"

/** Wait of a failed delivery for which there is no room, neither to bury nor to park it. */
export const noRoomRetryMs = 60_000

/** What is decided about a delivery before it is handed out; `undefined` lets it go. */
export const beforeHandOut = (delivery: Pending, now: number): Outcome | undefined => {
  const { attempts, burial, consumer: { retry }, handOut } = delivery
  if (burial !== undefined) return burial
  const decided = beforeAttempt(retry, attempts + 1, deadlineOf(delivery), now)
  return decided?._tag === "DeadLetter" && handOut > 0
    ? Outcome.DeadLetter({ reason: "AttemptsExhausted", error: "fewer attempts are allowed now" })
    : decided // Nobody saw the last attempt fail: a former process made it.
}

/**
 * Whether a delivery came to its turn while it still waits for its retry, as one that a former
 * process left: then it holds its key from here on, and nothing more is to be done about it now.
 */
export const isEarly = (delivery: Pending): boolean => {
  if (delivery.state !== state.waiting) return false
  const { consumer, order } = delivery
  if (order !== undefined) consumer.order.wait(order, delivery)
  return true
}

/** A delivery was handed out: counts the attempt and its age. */
export const begin = (core: Core, delivery: Pending, now: number): void => {
  delivery.state = state.running
  if (delivery.attempts === 0) core.messageAge.add(now - enteredAt(delivery.entry.message))
  delivery.attempts++
  delivery.handOut = ++core.handOuts
  delivery.takenAt = now
  delivery.consumer.inFlight++
  noteAttempts(core, delivery)
}

const noteAttempts = (core: Core, delivery: Pending): void => {
  if (delivery.track === undefined) core.settler.touchOwnRow(delivery)
  else if (core.log.journals) core.settler.touch(delivery.consumer, delivery.track)
}

/** The hand-out is over, whatever its outcome. */
const end = (core: Core, delivery: Pending, now: number): void => {
  const { consumer } = delivery
  if (delivery.state !== state.running) return
  if (consumer.inFlight-- === leasesMax) consumer.wake()
  consumer.totals.callbackLatency.add(now - delivery.takenAt)
  core.leases.remove(delivery)
}

/** Only a former process knows how long what it handed out has run. */
const countDispatch = (core: Core, { handOut, takenAt }: Pending, now: number): void => {
  if (handOut > 0) core.dispatchDuration.add(now - takenAt)
}

/** Applies a decision; void when the delivery ended meanwhile, because its subscription went. */
export const apply = (core: Core, delivery: Pending, outcome: Outcome): void => {
  if (delivery.state !== state.settled) conclude(core, delivery, outcome)
  core.passSuspicion(delivery)
}

const conclude = (core: Core, delivery: Pending, outcome: Outcome): void => {
  const now = core.now()
  const { totals } = delivery.consumer
  end(core, delivery, now)
  endKept(delivery)
  switch (outcome._tag) {
    case "Ack":
      totals.acked++
      countDispatch(core, delivery, now)
      return core.settle(delivery)
    case "Redeliver":
      return redeliver(core, delivery, now, outcome.afterMs)
    case "Expire":
      totals.expired++
      return core.settle(delivery)
    case "DeadLetter":
      return bury(core, delivery, outcome, now)
    case "Park":
      return park(core, delivery, outcome, now)
    case "Drop":
      totals.dropped++
      countDispatch(core, delivery, now)
      return core.settle(delivery)
  }
}

/**
 * The hand-out could not be started: the delivery waits without having used an attempt. Void when
 * it ended meanwhile, or was taken back because one before it in its run was postponed.
 */
export const postpone = (core: Core, delivery: Pending, waitMs: number): void => {
  if (delivery.state === state.running) {
    takeBack(core, delivery)
    redeliver(core, delivery, core.now(), waitMs)
  }
  core.passSuspicion(delivery)
}

/** Decides and applies after a failed attempt. */
export const fail = (core: Core, delivery: Pending, failure: Failure, waitMs?: number): void => {
  const { consumer, entry } = delivery
  core.topics.get(entry.message.topic).totals.errors++
  const { attempts } = delivery
  const { fates, retry } = consumer
  const decided = afterFailure(retry, fates, attempts, failure, core.options.random())
  apply(
    core,
    delivery,
    decided._tag === "Redeliver" && waitMs !== undefined
      ? Outcome.Redeliver({ afterMs: waitMs })
      : decided
  )
}

/**
 * What a handler's failure means. The error is a stranger's: reading it may throw, which must not
 * end the worker.
 */
export const failureOf = (cause: Cause.Cause<unknown>): Failure => {
  const failed = cause.reasons.find(Cause.isFailReason)
  if (failed?.error instanceof HandlerFailed) return failed.error
  const died = cause.reasons.find(Cause.isDieReason)
  return {
    tag: tagOf(failed === undefined ? died?.defect : failed.error),
    error: wordsOf(() => Cause.pretty(cause)),
    isPermanent: failed !== undefined && failed.error instanceof PermanentFailure
  }
}

/** Whether a handler did not run at all, so that this was no attempt. */
export const isNotBegun = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) =>
    Cause.isFailReason(reason) && reason.error instanceof HandlerNotBegun
  )

const redeliver = (core: Core, delivery: Pending, now: number, waitMs: number): void => {
  delivery.consumer.totals.redelivered++
  delivery.state = state.waiting
  if (delivery.order !== undefined) {
    delivery.consumer.order.hold(delivery.order, delivery).forEach((behind) => {
      takeBack(core, behind)
    })
  }
  // A long wait in a row of its own frees the slot and lets the floor pass; the key stays held.
  delivery.dueAt = now + waitMs
  if (waitMs >= ownRowFromMs) toOwnRow(core, delivery)
  core.retries.add(delivery, delivery.dueAt)
}

/** Takes back a hand-out that counts for nothing: it was void, or could not be started. */
export const takeBack = (core: Core, delivery: Pending): void => {
  core.leases.remove(delivery)
  if (delivery.consumer.inFlight-- === leasesMax) delivery.consumer.wake()
  delivery.attempts--
  delivery.state = state.queued
  noteAttempts(core, delivery) // What was stored since counts it.
}

/**
 * Keeps a delivery aside, in a row of its own: it holds no slot, no read-ahead and not its key.
 * Without room for a row it goes to the dead letters: rows that wait behind its key may never
 * leave. With no room there either it waits in memory and holds its key. `end` is then decided
 * again, because there may be room where it should have gone.
 */
const park = (
  core: Core,
  delivery: Pending,
  { error, reason }: Data.TaggedEnum.Value<Outcome, "Park">,
  now: number,
  end: Outcome = Outcome.Park({ error, reason })
): void => {
  const { consumer, order } = delivery
  if (!toOwnRow(core, delivery)) {
    if (consumer.totals.deadLetters < core.options.deadLettersMax) {
      return bury(core, delivery, { error, reason: "OwnRowsFull" }, now)
    }
    delivery.burial = end
    return redeliver(core, delivery, now, noRoomRetryMs)
  }
  countDispatch(core, delivery, now)
  delivery.state = state.parked
  delivery.parked = { reason, error, at: now }
  delivery.dueAt = 0
  delivery.burial = undefined
  consumer.totals.parked++
  if (order !== undefined) consumer.order.settle(order, delivery)
}

const bury = (
  core: Core,
  delivery: Pending,
  { error, reason }: { readonly error: string; readonly reason: DeadLetterReason },
  now: number
): void => {
  const { consumer, entry } = delivery
  const { totals } = consumer
  if (totals.deadLetters >= core.options.deadLettersMax) {
    const parked = Outcome.Park({ reason: "DeadLettersFull", error })
    return park(core, delivery, parked, now, Outcome.DeadLetter({ error, reason }))
  }
  totals.letters.add(entry.partition, 1)
  totals.deadLettered++
  countDispatch(core, delivery, now)
  core.settler.addDeadLetter({
    id: core.numbers.deadLetter(entry.partition),
    subscription: consumer.subscription.name,
    incarnation: consumer.subscription.incarnation,
    message: entry.message,
    reason,
    error,
    attempts: delivery.attempts,
    failedAt: now
  })
  core.settle(delivery)
}

/** The wait of a delivery is over. */
export const retryDue = (core: Core, delivery: Pending): void => {
  const { consumer, order } = delivery
  // An earlier end of a wait that was changed counts for nothing: the later one comes too.
  if (delivery.state !== state.waiting || consumer.closed || core.now() < delivery.dueAt) return
  endKept(delivery)
  delivery.state = state.queued
  if (order === undefined) core.giveBack(delivery)
  else consumer.order.retry(order, delivery)
}
