/**
 * Broadcast in process: a handler sees every match through a tail, one at a time and in order.
 *
 * Nothing waits for it: a failure is counted and logged, there are no retries, and what comes while
 * no handler is attached is not for it.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { FilterFunction } from "../../domain/Filter.ts"
import type { Message } from "../../domain/Message.ts"
import type { SubscriptionName, SubscriptionOptions } from "../../domain/Subscription.ts"
import * as ExecutionContext from "../../services/ExecutionContext.ts"
import type { Handler } from "../../services/MessageBus.ts"
import { type Tail, tailBatchMax, type TailEvent } from "../../services/Tails.ts"
import { BroadcastMember } from "./BroadcastMember.ts"
import type { Core } from "./Core.ts"
import { Shown } from "./Shown.ts"

/** The only hand-out of a message to a broadcast handler. */
const attempt = 1

/** Runs a handler for everything that comes out of a tail, until the scope closes or it ends. */
export const broadcast = (
  core: Core,
  name: SubscriptionName,
  options: SubscriptionOptions,
  tail: Tail,
  handler: Handler,
  filter: FilterFunction | undefined
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const member = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const made = new BroadcastMember(options.ackTimeoutMs)
        core.tails.members.add(made)
        return made
      }),
      (made) => Effect.sync(() => core.tails.members.delete(made))
    )
    const failed = failing(core, name)
    // The handler was attached in some context, which is not that of the messages.
    const showing = ExecutionContext.cleared(shows(member, (event) => {
      if (event._tag === "Gap") {
        return Effect.logWarning(`the broadcast ${name} missed messages: ${event.reason}`)
      }
      const shown = new Shown(core, event.message, name, attempt)
      return wanted(shown, filter, failed) ?? handled(member, shown, handler, failed)
    }))
    yield* Effect.forkScoped(guarded(member, showing, (topic) => {
      const limit = options.ackTimeoutMs
      return failed(topic, "a handler", `it ran longer than its limit of ${limit} ms`)
    }))
    yield* Effect.forkScoped(
      Effect.catch(
        Effect.forever(Effect.andThen(member.room, tail.follow(amount, member.give))),
        (reason) => {
          member.endsNow()
          return Effect.logDebug(`the broadcast ${name} ended`, reason)
        }
      )
    )
  })

/** Most of what is given to a member at once. */
const amount = { countMax: tailBatchMax.count, bytesMax: tailBatchMax.bytes }

/** Counts and tells what failed. */
type Failed = (topic: Message["topic"], what: string, cause: unknown) => Effect.Effect<void>

const failing = (core: Core, name: SubscriptionName): Failed => (topic, what, cause) => {
  core.topics.get(topic).totals.errors++
  return Effect.logWarning(`${what} of the broadcast ${name} failed`, cause)
}

/** Shows one event after the other, until none will come. Hot: no fibre or timer for a message. */
const shows = (
  member: BroadcastMember,
  show: (event: TailEvent) => Effect.Effect<void>
): Effect.Effect<void> => {
  let isOpen = true // What the loop goes on by.
  const wait = Effect.map(member.some, (some) => {
    isOpen = some
  })
  return Effect.whileLoop({
    while: () => isOpen,
    body: (): Effect.Effect<void> => {
      const event = member.take()
      return event === undefined ? wait : show(event)
    },
    step: () => {}
  })
}

/** Runs a loop; when its handler was cut off, says so and lets another go on behind that. */
const guarded = (
  member: BroadcastMember,
  loop: Effect.Effect<void>,
  cutOff: (topic: Message["topic"]) => Effect.Effect<void>
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(loop)
    member.fiber = fiber
    const exit = yield* Effect.onInterrupt(Fiber.await(fiber), () => Fiber.interrupt(fiber))
    if (!member.timedOut) return yield* exit
    member.timedOut = false
    member.end()
    if (member.shown?._tag === "Message") yield* cutOff(member.shown.message.topic)
    return yield* guarded(member, loop, cutOff)
  })

/** What is done instead of showing a message that the filter does not pass, or fails at. */
const wanted = (
  shown: Shown,
  filter: FilterFunction | undefined,
  failed: Failed
): Effect.Effect<void> | undefined => {
  if (filter === undefined) return undefined
  const { message } = shown
  const passed = Result.try(() => filter(shown.payload, message) === true)
  if (Result.isFailure(passed)) return failed(message.topic, "the filter", passed.failure)
  return passed.success ? undefined : Effect.void
}

const handled = (
  member: BroadcastMember,
  shown: Shown,
  handler: Handler,
  failed: Failed
): Effect.Effect<void> => {
  const { context, topic } = shown.message
  const run = Effect.suspend(() => {
    member.begin()
    return handler(shown)
  })
  return Effect.matchCauseEffect(
    context === undefined
      ? run
      : Effect.provideService(run, ExecutionContext.reference, shown.carried),
    {
      onSuccess: () => {
        member.end()
        return Effect.void
      },
      onFailure: (cause) => {
        member.end()
        return failed(topic, "a handler", Cause.pretty(cause))
      }
    }
  )
}
