/**
 * What a handler sees of a delivery: the message, with payload and headers parsed when first read.
 */
import { ParsedMessage } from "../../domain/ParsedMessage.ts"
import type { SubscriptionName } from "../../domain/Subscription.ts"
import type { Delivery } from "../../services/MessageBus.ts"
import type { Core } from "./Core.ts"
import type { Pending } from "./Pending.ts"
import { replyTo } from "./Requests.ts"

/** One hand-out to a handler. Parsed once, and per hand-out: no handler sees another's changes. */
export class HandedOut extends ParsedMessage implements Delivery {
  readonly subscription: SubscriptionName
  readonly attempt: number

  private readonly core: Core

  constructor(core: Core, { attempts, consumer, entry }: Pending) {
    super(entry.message)
    this.core = core
    this.subscription = consumer.subscription.name
    this.attempt = attempts
  }

  reply(value: unknown): ReturnType<Delivery["reply"]> {
    return replyTo(this.core, this.message, this.headers, value)
  }
}
