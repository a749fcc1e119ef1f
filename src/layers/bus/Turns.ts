/**
 * Turns: what a worker does for one message after another.
 *
 * On the success path a message costs one turn of a loop: take, run the handler, settle. No fibre,
 * timer or span is made per message.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { ownRowLane } from "../../domain/AckId.ts"
import { Outcome } from "../../domain/Delivery.ts"
import * as ExecutionContext from "../../services/ExecutionContext.ts"
import type { Handler } from "../../services/MessageBus.ts"
import type { Core } from "./Core.ts"
import { deadlineFrom, HandedOut } from "./HandedOut.ts"
import {
  apply,
  beforeHandOut,
  begin,
  fail,
  failureOf,
  isEarly,
  isNotBegun,
  postpone
} from "./Outcomes.ts"
import type { Pending } from "./Pending.ts"
import type { Shard } from "./Shard.ts"
import type { Worker } from "./Worker.ts"

/** Wait of a worker while the log does not take settlements. */
export const stalledWaitMs = 100

/** Wait of a delivery that could not be journalled. */
export const unjournalledWaitMs = 1_000

/** Wait of a delivery whose handler did not begin, because its thread ended or is in use. */
export const notBegunWaitMs = 250

/** Says that a turn of the loop handed nothing out. */
const nothing = Symbol("nothing")

/** Says that the hand-out could not be journalled, so the handler did not run. */
export const unjournalled = Symbol("unjournalled")

/** What a turn of the loop ends with. */
type Turn = Exit.Exit<unknown, unknown> | typeof nothing | typeof unjournalled

/** The next delivery of a shard that may run now. */
const take = (core: Core, shard: Shard, now: number): Pending | undefined => {
  // What its key, another suspect or its own limits keep from running now is passed over.
  for (let found = shard.lanes.take(); found !== undefined; found = shard.lanes.take()) {
    const { consumer, entry, order } = found
    if (core.leaving.has(entry.partition) || isEarly(found)) continue
    if (order !== undefined && !consumer.order.admit(order, found, 0)) continue
    if (found.suspect && !core.suspects.admit(found)) continue
    const refused = beforeHandOut(found, now)
    if (refused === undefined) return found
    apply(core, found, refused)
  }
  return undefined
}

const park = (worker: Worker): Effect.Effect<typeof nothing> =>
  Effect.callback((resume) => {
    const { shard } = worker
    // Between looking and parking other fibres may have run.
    if (worker.stopping || !shard.isEmpty) return resume(Effect.succeed(nothing))
    const leave = shard.park(() => resume(Effect.succeed(nothing)))
    return Effect.sync(leave)
  })

const stalled = Effect.as(Effect.sleep(stalledWaitMs), nothing)

/** Runs the handler of a delivery; its exit is a value. */
const run = (core: Core, delivery: Pending, worker: Worker): Effect.Effect<Turn> => {
  const { handler } = delivery.consumer
  if (handler === undefined) return Effect.die("a delivery without a handler reached a worker")
  const handedOut = new HandedOut(core, delivery, worker)
  const handled = Effect.exit(
    handedOut.message.context === undefined
      ? Effect.suspend(() => handler(handedOut))
      : inContext(handedOut, handler)
  )
  if (!core.log.journals) return handled
  const { entry, ownRow, track } = delivery
  const taken = core.journal.note({
    incarnation: delivery.consumer.subscription.incarnation,
    logLane: track === undefined ? ownRowLane : entry.logLane,
    offset: track === undefined ? ownRow : entry.offset,
    attempt: delivery.attempts
  })
  return Effect.flatMap(
    taken,
    (isJournalled): Effect.Effect<Turn> => isJournalled ? handled : unstarted
  )
}

/** Only a message that has a context pays for it. */
const inContext = (handedOut: HandedOut, handler: Handler): Effect.Effect<unknown, unknown> =>
  Effect.suspend(() =>
    Effect.provideService(
      Effect.suspend(() => handler(handedOut)),
      ExecutionContext.reference,
      handedOut.carried
    )
  )

const unstarted = Effect.succeed(unjournalled)

/** The turns of a worker until it is to stop. */
export const turns = (core: Core, worker: Worker): Effect.Effect<void> => {
  const { shard } = worker
  return Effect.whileLoop({
    while: () => !worker.stopping,
    body: (): Effect.Effect<Turn> => {
      if (core.settler.stalled) return stalled
      const now = core.now() // Read once per message here and once at its end: it is not free.
      const delivery = take(core, shard, now)
      if (delivery === undefined) return park(worker)
      begin(core, delivery, now)
      shard.inFlight++
      worker.current = delivery
      worker.deadline = deadlineFrom(now, delivery)
      return run(core, delivery, worker)
    },
    step: (turn) => {
      if (turn !== nothing) finish(core, worker, turn)
    }
  })
}

/** Applies what the running hand-out came to; does nothing when that was done before. */
export const finish = (core: Core, worker: Worker, turn: Exclude<Turn, typeof nothing>): void => {
  const delivery = worker.current
  worker.current = undefined
  worker.deadline = Number.POSITIVE_INFINITY
  if (delivery === undefined) return
  worker.shard.inFlight--
  if (turn === unjournalled) postpone(core, delivery, unjournalledWaitMs)
  else if (Exit.isSuccess(turn)) apply(core, delivery, Outcome.Ack())
  else if (isNotBegun(turn.cause)) postpone(core, delivery, notBegunWaitMs)
  else fail(core, delivery, failureOf(turn.cause))
  if (delivery.consumer.inFlight === 0) delivery.consumer.wake()
}

/** How the hand-out of a worker ended that was cut off. */
export const overran = (worker: Worker): Exit.Exit<never> => {
  const limit = worker.current?.consumer.subscription.options.ackTimeoutMs
  return Exit.die(`the handler ran longer than its limit of ${limit} ms and was interrupted`)
}
