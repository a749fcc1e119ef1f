/**
 * Broadcast in process: a handler sees every match through a tail, one at a time and in order.
 *
 * Nothing waits for it: a failure is counted and logged, there are no retries, and what comes while
 * no handler is attached is not for it.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { FilterFunction } from "../../domain/Filter.ts"
import type { Message } from "../../domain/Message.ts"
import { ParsedMessage } from "../../domain/ParsedMessage.ts"
import type { SubscriptionName, SubscriptionOptions } from "../../domain/Subscription.ts"
import * as ExecutionContext from "../../services/ExecutionContext.ts"
import type { Delivery, Handler } from "../../services/MessageBus.ts"
import type { Tail, TailEvent } from "../../services/Tails.ts"
import type { Core } from "./Core.ts"
import { replyTo } from "./Requests.ts"

/** What a broadcast handler sees: the only hand-out of the message to it. */
class Shown extends ParsedMessage implements Delivery {
  readonly subscription: SubscriptionName
  readonly attempt = 1
  private readonly core: Core

  constructor(core: Core, message: Message, subscription: SubscriptionName) {
    super(message)
    this.core = core
    this.subscription = subscription
  }

  reply(value: unknown): ReturnType<Delivery["reply"]> {
    return replyTo(this.core, this.message, this.headers, value)
  }
}

/** Runs a handler for everything that comes out of a tail, until the scope closes or it ends. */
export const broadcast = (
  core: Core,
  name: SubscriptionName,
  options: SubscriptionOptions,
  tail: Tail,
  handler: Handler,
  filter: FilterFunction | undefined
): Effect.Effect<void, never, Scope.Scope> => {
  const show = showing(core, name, options, handler, filter)
  const turn = Effect.flatMap(
    tail.next(),
    (events) => Effect.forEach(events, show, { discard: true })
  )
  const ended = Effect.catch(
    Effect.forever(turn),
    (reason) => Effect.logDebug(`the broadcast ${name} ended`, reason)
  )
  return Effect.asVoid(Effect.forkScoped(ended))
}

const showing = (
  core: Core,
  name: SubscriptionName,
  options: SubscriptionOptions,
  handler: Handler,
  filter: FilterFunction | undefined
) => {
  const failed = (topic: Message["topic"], what: string, cause: unknown): Effect.Effect<void> => {
    core.topics.get(topic).totals.errors++
    return Effect.logWarning(`${what} of the broadcast ${name} failed`, cause)
  }
  return (event: TailEvent): Effect.Effect<void> => {
    if (event._tag === "Gap") {
      return Effect.logWarning(`the broadcast ${name} missed messages: ${event.reason}`)
    }
    const { message } = event
    const shown = new Shown(core, message, name)
    const passed = Result.try(() => filter === undefined || filter(shown.payload, message) === true)
    if (Result.isFailure(passed)) return failed(message.topic, "the filter", passed.failure)
    if (!passed.success) return Effect.void
    return Effect.suspend(() => handler(shown)).pipe(
      Effect.timeoutOrElse({
        duration: options.ackTimeoutMs,
        orElse: () => Effect.die(`it ran longer than its limit of ${options.ackTimeoutMs} ms`)
      }),
      // The handler was attached in some context, which is not that of the message.
      Effect.provideService(ExecutionContext.reference, shown.carried),
      Effect.asVoid,
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.failCause(cause as Cause.Cause<never>) // Interrupts alone hold no error.
          : failed(message.topic, "a handler", Cause.pretty(cause))
      )
    )
  }
}
