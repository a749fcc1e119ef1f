/**
 * The calls of the embedded bus as promises, for a program itself and for its plugins.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Message } from "../../domain/Message.ts"
import type { SubscriptionName } from "../../domain/Subscription.ts"
import type {
  Calls,
  CodeFactory,
  HandleOptions,
  PublishOptions,
  RequestOptions
} from "../../services/CodeFactory.ts"
import type { Accepted, Delivery } from "../../services/MessageBus.ts"
import { promised } from "./AwaitedContext.ts"

/** Ends what was attached; calling it again changes nothing. */
export type Detach = () => Promise<void>

/** What runs for a delivery: what it returns or resolves to is its success. */
export type PromisedHandler = (payload: unknown, delivery: PromisedDelivery) => unknown

/** A delivery as a handler without Effect sees it. */
export class PromisedDelivery implements Omit<Delivery, "holdLimit" | "reply"> {
  readonly message: Message
  readonly subscription: SubscriptionName
  readonly attempt: number
  private readonly delivery: Delivery

  constructor(delivery: Delivery) {
    this.delivery = delivery
    this.message = delivery.message
    this.subscription = delivery.subscription
    this.attempt = delivery.attempt
  }

  get payload(): unknown {
    return this.delivery.payload
  }

  get headers(): Delivery["headers"] {
    return this.delivery.headers
  }

  get context(): Delivery["context"] {
    return this.delivery.context
  }

  /** Replies to the request that the message is; `false` when it is none or nobody waits. */
  reply(value: unknown): Promise<boolean> {
    return Effect.runPromise(this.delivery.reply(value))
  }
}

/** The calls that name topics. */
export interface PromisedCalls {
  readonly publish: (
    topic: string,
    payload: unknown,
    options?: PublishOptions
  ) => Promise<Accepted>
  /** Runs `handler` for a durable subscription until the returned function is called. */
  readonly handle: (
    name: string,
    topic: string,
    handler: PromisedHandler,
    options?: HandleOptions
  ) => Promise<Detach>
  /** Publishes, and resolves to the value of the first reply; waits 5 s unless told otherwise. */
  readonly request: (topic: string, payload: unknown, options?: RequestOptions) => Promise<unknown>
  /** As `handle`; what the responder returns or resolves to is the reply. */
  readonly respond: (
    name: string,
    topic: string,
    responder: PromisedHandler,
    options?: HandleOptions
  ) => Promise<Detach>
}

/** The calls of a plugin, whose topics and subscriptions start with `prefix`. */
export interface PromisedPlugin extends PromisedCalls {
  readonly prefix: string
  /** The same calls without the prefix. */
  readonly raw: PromisedCalls
}

type Bus = CodeFactory["Service"]

/** How a running bus runs an effect, and attaches something until it is detached. */
export interface Running {
  readonly run: <A, E>(use: (bus: Bus) => Effect.Effect<A, E>) => Promise<A>
  readonly attach: <E>(
    something: (bus: Bus) => Effect.Effect<void, E, Scope.Scope>
  ) => Promise<Detach>
}

/** The calls that `pick` finds, as promises. */
export const promisedCalls = (
  { attach, run }: Running,
  pick: (bus: Bus) => Calls
): PromisedCalls => ({
  publish: (topic, payload, options) => run((bus) => pick(bus).publish(topic, payload, options)),
  request: (topic, payload, options) => run((bus) => pick(bus).request(topic, payload, options)),
  handle: (name, topic, handler, options) =>
    attach((bus) => pick(bus).handle(name, topic, effectful(handler), options)),
  respond: (name, topic, responder, options) =>
    attach((bus) => pick(bus).respond(name, topic, effectful(responder), options))
})

/** The calls of a plugin, as promises. */
export const promisedPlugin = (running: Running, name: string): Promise<PromisedPlugin> =>
  running.run((bus) =>
    Effect.map(bus.plugin(name), (plugin) => ({
      ...promisedCalls(running, () => plugin),
      prefix: plugin.prefix,
      raw: promisedCalls(running, () => plugin.raw)
    }))
  )

const effectful = (handler: PromisedHandler) => (payload: unknown, delivery: Delivery) =>
  promised(() => handler(payload, new PromisedDelivery(delivery)))
