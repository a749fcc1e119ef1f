/**
 * What a handler sees of a delivery: the message, with payload and headers parsed when first read.
 */
import { ParsedMessage } from "../../domain/ParsedMessage.ts"
import type { SubscriptionName } from "../../domain/Subscription.ts"
import type { Delivery } from "../../services/MessageBus.ts"
import type { Core } from "./Core.ts"
import type { Pending } from "./Pending.ts"
import { replyTo } from "./Requests.ts"
import type { Worker } from "./Worker.ts"

/** One hand-out to a handler. Parsed once, and per hand-out: no handler sees another's changes. */
export class HandedOut extends ParsedMessage implements Delivery {
  readonly subscription: SubscriptionName
  readonly attempt: number

  private readonly core: Core
  private readonly pending: Pending
  private readonly worker: Worker

  constructor(core: Core, pending: Pending, worker: Worker) {
    const { attempts, consumer, entry } = pending
    super(entry.message)
    this.core = core
    this.pending = pending
    this.worker = worker
    this.subscription = consumer.subscription.name
    this.attempt = attempts
  }

  reply(value: unknown): ReturnType<Delivery["reply"]> {
    return replyTo(this.core, this.message, this.headers, value)
  }

  holdLimit(isHeld: boolean): void {
    const { core, pending, worker } = this
    if (worker.current === pending) {
      worker.deadline = isHeld ? Number.POSITIVE_INFINITY : deadlineFrom(core.now(), pending)
    }
  }
}

/** When a handler that begins now is cut off (Unix milliseconds). */
export const deadlineFrom = (now: number, { consumer }: Pending): number =>
  now + consumer.subscription.options.ackTimeoutMs
