/**
 * Agents: modules that export handlers. The bus loads them by their URL, into this thread or into
 * threads of their own, and neither the module nor its handlers can tell the difference.
 */
import * as Schema from "effect/Schema"
import type { ContextValues } from "../domain/ExecutionContext.ts"
import type { FilterSpec } from "../domain/Filter.ts"
import type { Message } from "../domain/Message.ts"
import type { SubscriptionName } from "../domain/Subscription.ts"
import type { TypedTopic } from "../domain/TypedTopic.ts"
import type { HandleOptions, PublishOptions } from "./CodeFactory.ts"
import type { Accepted } from "./MessageBus.ts"
import type { PromisedSessions } from "./SessionValues.ts"

/** A delivery as an agent sees it. Its calls are promises, which reject with tagged errors. */
export interface AgentDelivery {
  readonly message: Message
  readonly subscription: SubscriptionName
  /** From 1. */
  readonly attempt: number
  /** The headers as an object. */
  readonly headers: Readonly<Record<string, string>>
  /** The execution context of the publisher. */
  readonly context: ContextValues
  /** Aborted when the handler runs past its time limit, or the bus ends. */
  readonly signal: AbortSignal
  /** Publishes another message; settled once it is accepted or refused. */
  readonly publish: (topic: string, payload: unknown, options?: PublishOptions) => Promise<Accepted>
  /** Replies to the request that the message is; `false` when it is none or nobody waits. */
  readonly reply: (value: unknown) => Promise<boolean>
  /** Values under names, for a time: over Redis the same at all pods, else in this process. */
  readonly sessions: PromisedSessions
}

/** How an agent's handler wants its messages: as any handler, but for what only code can say. */
export interface AgentOptions<Heavy = undefined> extends Omit<HandleOptions, "filter"> {
  /** The name of its subscription, for life: the module's and the export's unless set. */
  readonly name?: string
  /** Conditions on the payload, stored with the subscription. */
  readonly filter?: FilterSpec
  /**
   * Makes what is dear to load, such as a model: once for each thread, at the first message, or at
   * the start with `LAZY_LOAD_ML=0`. The handler gets it. One that fails is tried again.
   */
  readonly heavy?: () => Heavy | PromiseLike<Heavy>
}

/**
 * Handles one message. What it returns, resolves to or, when it returns an Effect, succeeds with is
 * thrown away; throwing, rejecting or failing counts as a failed attempt.
 */
export type AgentHandle<Payload = unknown, Heavy = undefined> = (
  payload: Payload,
  delivery: AgentDelivery,
  heavy: Heavy
) => unknown

/**
 * A handler of an agent: any export of its module that has this shape, by `on` of `Agent.ts` or
 * written down as it is, which needs no import.
 */
export interface AgentHandler {
  readonly topic: string | TypedTopic<unknown>
  readonly handle: AgentHandle<never, never>
  readonly options?: AgentOptions<unknown>
}

/** An agent that cannot be used: its module does not load, or exports nothing usable. */
export class AgentUnloadable extends Schema.TaggedError<AgentUnloadable>()("AgentUnloadable", {
  /** The module's file name. */
  agent: Schema.String,
  /** What went wrong, and the remedy where one is known. */
  reason: Schema.String
}) {
  override get message(): string {
    return `agent ${this.agent}: ${this.reason}`
  }
}
