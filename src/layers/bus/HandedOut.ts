/**
 * What a handler sees of a delivery: the message, with payload and headers parsed when first read.
 */
import type { Message } from "../../domain/Message.ts"
import type { SubscriptionName } from "../../domain/Subscription.ts"
import type { Delivery } from "../../services/MessageBus.ts"
import type { Pending } from "./Pending.ts"

const none: Readonly<Record<string, string>> = {}

/** One hand-out to a handler. Parsed once, and per hand-out: no handler sees another's changes. */
export class HandedOut implements Delivery {
  readonly message: Message
  readonly subscription: SubscriptionName
  readonly attempt: number
  private parsedPayload: unknown = undefined
  private parsedHeaders: Readonly<Record<string, string>> | undefined = undefined

  constructor({ attempts, consumer, entry }: Pending) {
    this.message = entry.message
    this.subscription = consumer.subscription.name
    this.attempt = attempts
  }

  get payload(): unknown {
    if (this.parsedPayload === undefined) this.parsedPayload = JSON.parse(this.message.payload)
    return this.parsedPayload
  }

  get headers(): Readonly<Record<string, string>> {
    const { headers } = this.message
    this.parsedHeaders ??= headers === undefined ? none : JSON.parse(headers)
    return this.parsedHeaders ?? none
  }
}
