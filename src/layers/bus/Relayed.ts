/**
 * Relayed: a handler of this pod that runs for a delivery which another pod has.
 *
 * That pod counts attempts and keeps the time; it interrupts what runs too long. Here it is one run
 * of a handler, and what came of it.
 */
import * as Effect from "effect/Effect"
import type { Message } from "../../domain/Message.ts"
import { ParsedMessage } from "../../domain/ParsedMessage.ts"
import type { SubscriptionName } from "../../domain/Subscription.ts"
import * as ExecutionContext from "../../services/ExecutionContext.ts"
import type { Delivery } from "../../services/MessageBus.ts"
import type { Ran, RelayedRun } from "../../services/OtherPods.ts"
import type { Core } from "./Core.ts"
import { failureOf, isNotBegun } from "./Outcomes.ts"
import { replyTo } from "./Requests.ts"

/** What the handler sees. */
class Relayed extends ParsedMessage implements Delivery {
  readonly subscription: SubscriptionName
  readonly attempt: number
  private readonly core: Core

  constructor(core: Core, message: Message, subscription: SubscriptionName, attempt: number) {
    super(message)
    this.core = core
    this.subscription = subscription
    this.attempt = attempt
  }

  reply(value: unknown): ReturnType<Delivery["reply"]> {
    return replyTo(this.core, this.message, this.headers, value)
  }
}

/** Runs it, unless its filter function does not pass the message. */
export const run = (
  core: Core,
  { attempt, filter, handler, message, name }: RelayedRun
): Effect.Effect<Ran> => {
  const delivery = new Relayed(core, message, name, attempt)
  const running = Effect.suspend(() =>
    filter === undefined || filter(delivery.payload, message) === true
      ? handler(delivery)
      : Effect.void
  )
  return Effect.provideService(running, ExecutionContext.reference, delivery.carried).pipe(
    Effect.matchCause({
      onSuccess: (): Ran => "Done",
      onFailure: (cause): Ran => isNotBegun(cause) ? "NotBegun" : failureOf(cause)
    })
  )
}
