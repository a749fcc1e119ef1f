/**
 * What a handler sees of a message that no worker of this bus handed out: of a broadcast, or of a
 * delivery that another pod has.
 */
import type { Message } from "../../domain/Message.ts"
import { ParsedMessage } from "../../domain/ParsedMessage.ts"
import type { SubscriptionName } from "../../domain/Subscription.ts"
import type { Delivery } from "../../services/MessageBus.ts"
import type { Core } from "./Core.ts"
import { replyTo } from "./Requests.ts"

/** A message as a handler sees it. */
export class Shown extends ParsedMessage implements Delivery {
  readonly subscription: SubscriptionName
  readonly attempt: number
  private readonly core: Core

  /** `attempt` is from 1. */
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
