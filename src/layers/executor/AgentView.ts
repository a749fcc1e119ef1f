/**
 * A delivery as the handler of an agent sees it, in whatever thread.
 */
import type { Message } from "../../domain/Message.ts"
import { ParsedMessage } from "../../domain/ParsedMessage.ts"
import type { SubscriptionName } from "../../domain/Subscription.ts"
import type { AgentDelivery } from "../../services/Agent.ts"

/** How a handler reaches the bus. */
export type AgentCalls = Pick<AgentDelivery, "publish" | "reply" | "sessions">

/** What is known of a delivery wherever it runs. */
export interface Handed {
  readonly message: Message
  readonly subscription: SubscriptionName
  readonly attempt: number
}

/** One delivery. Its functions can be taken out of it, as code that takes an object apart does. */
export class AgentView extends ParsedMessage implements AgentDelivery {
  readonly subscription: SubscriptionName
  readonly attempt: number
  readonly publish: AgentDelivery["publish"]
  readonly reply: AgentDelivery["reply"]
  readonly sessions: AgentDelivery["sessions"]
  private controller: AbortController | undefined = undefined
  private hasEnded = false

  constructor({ attempt, message, subscription }: Handed, calls: AgentCalls) {
    super(message)
    this.subscription = subscription
    this.attempt = attempt
    this.publish = calls.publish
    this.sessions = calls.sessions
    this.reply = (value) => this.hasEnded ? Promise.resolve(false) : calls.reply(value)
  }

  /** Made when it is first asked for: most handlers never do. */
  get signal(): AbortSignal {
    this.controller ??= new AbortController()
    return this.controller.signal
  }

  /** Tells the handler to let go. */
  abort(): void {
    this.controller ??= new AbortController()
    this.controller.abort()
  }

  /** Its run is over: there is nothing to reply to any more. */
  end(): void {
    this.hasEnded = true
  }
}
