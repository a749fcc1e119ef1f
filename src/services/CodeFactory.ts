/**
 * The bus as an Effect program embeds it: payloads are values, topics may be typed.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ContextValues } from "../domain/ExecutionContext.ts"
import type { Fate } from "../domain/Fate.ts"
import type { FilterFunction, FilterSpec } from "../domain/Filter.ts"
import type { Message, MessageInvalid } from "../domain/Message.ts"
import type { Ordering, StartFrom, SubscriptionMode } from "../domain/Subscription.ts"
import type { TypedTopic } from "../domain/TypedTopic.ts"
import type { HookLimit } from "./Hooks.ts"
import type { Accepted, Delivery, MessageBus, PublishError } from "./MessageBus.ts"
import type { RequestError } from "./Requests.ts"

/** The options of an embedded bus are not usable; `reason` names each and what was expected. */
export class OptionsInvalid extends Schema.TaggedError<OptionsInvalid>()("OptionsInvalid", {
  reason: Schema.String
}) {
  override get message(): string {
    return `illegal options: ${this.reason}`
  }
}

/** What a publisher may say beside topic and payload. */
export interface PublishOptions {
  /** Messages of one topic and key are delivered in order. 1 to 1,024 characters. */
  readonly key?: string
  /** 0 to 9; 5 and above go first. */
  readonly priority?: number
  /** A repeat under it within an hour is accepted once. 1 to 1,024 characters. */
  readonly idempotencyKey?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly contentType?: string
  /** W3C trace context. */
  readonly traceparent?: string
  /** Unix milliseconds: not delivered before. One that has passed means at once. */
  readonly deliverAt?: number
  /** How long from now until it may be delivered; in place of `deliverAt`. */
  readonly delay?: Duration.Input
  /** Unix milliseconds; later the message is not delivered any more. */
  readonly expiresAt?: number
  /** Goes before the execution context of the publisher, even when it is empty. */
  readonly context?: ContextValues
}

/** How a handler wants its messages; what is left out is the default of the design. */
export interface HandleOptions {
  readonly ordering?: Ordering
  /** 4 unless set; the first try counts. */
  readonly maxAttempts?: number
  /** Time limit of one run: 30 s unless set, 1 s to 1 h. */
  readonly timeout?: Duration.Input
  readonly from?: StartFrom
  /** Compete unless set; in a broadcast every member sees every message while it is there. */
  readonly mode?: SubscriptionMode
  /** A message that waited longer ends expired; without it messages wait for ever. */
  readonly maxAge?: Duration.Input
  /**
   * Which messages of the pattern it wants: conditions, which are stored with the subscription, or
   * a function, which works while the handler is attached and must not change the payload.
   */
  readonly filter?: FilterSpec | FilterFunction
  /** First wait between attempts, its growth and its limit: 10 ms, 2, 60 s unless set. */
  readonly retry?: {
    readonly base?: Duration.Input
    readonly factor?: number
    readonly cap?: Duration.Input
    /** 0 to 1: how far a wait may be off; 0.2 unless set. */
    readonly jitter?: number
    /**
     * The waits one by one, instead of `base`, `factor` and `cap`; the last is repeated. Exact,
     * unless `jitter` is set. Waits of 5 s and more outlive the process and hold only their key.
     */
    readonly delays?: ReadonlyArray<Duration.Input>
  }
  /**
   * What is done about a failure, by the `_tag` (or else the `name`) of the error a handler failed
   * with, threw or rejected with. Others follow `retry`; a `PermanentFailure` is dead at once.
   */
  readonly fates?: Readonly<Record<string, Fate>>
}

/** Why a handler could not be attached. */
export type HandleError =
  | MessageInvalid
  | Effect.Error<ReturnType<MessageBus["Service"]["handle"]>>

/** One message of a batch. */
export interface Item {
  readonly topic: string
  readonly payload: unknown
  readonly options?: PublishOptions
}

/** What a requester may say beside topic and payload; the time limit decides when it expires. */
export interface RequestOptions
  extends Omit<PublishOptions, "idempotencyKey" | "expiresAt" | "deliverAt" | "delay">
{
  /** How long to wait for the reply: 5 s unless set. */
  readonly timeout?: Duration.Input
}

/** The calls that name topics. A typed topic checks and encodes, or decodes, the payload. */
export interface Calls {
  /** Publishes one value. */
  readonly publish: {
    (
      topic: string,
      payload: unknown,
      options?: PublishOptions
    ): Effect.Effect<Accepted, PublishError>
    <A>(
      topic: TypedTopic<A>,
      payload: A,
      options?: PublishOptions
    ): Effect.Effect<Accepted, PublishError>
  }
  /**
   * Runs `handler` for every message of a topic, pattern or typed topic under a durable
   * subscription name, until the scope closes. A payload that does not decode is dead at once.
   */
  readonly handle: {
    <E, R>(
      name: string,
      topic: string,
      handler: (payload: unknown, delivery: Delivery) => Effect.Effect<unknown, E, R>,
      options?: HandleOptions
    ): Effect.Effect<void, HandleError, R | Scope.Scope>
    <A, E, R>(
      name: string,
      topic: TypedTopic<A>,
      handler: (payload: A, delivery: Delivery) => Effect.Effect<unknown, E, R>,
      options?: HandleOptions
    ): Effect.Effect<void, HandleError, R | Scope.Scope>
  }
  /** Publishes one value and waits for the value of the first reply. See `Requests.request`. */
  readonly request: {
    (
      topic: string,
      payload: unknown,
      options?: RequestOptions
    ): Effect.Effect<unknown, RequestError>
    <A>(
      topic: TypedTopic<A>,
      payload: A,
      options?: RequestOptions
    ): Effect.Effect<unknown, RequestError>
  }
  /** As `handle`; what the responder succeeds with is the reply, and one that fails is retried. */
  readonly respond: Calls["handle"]
}

/** The bus as a plugin uses it: topics and subscriptions start with `prefix`. */
export interface Plugin extends Calls {
  readonly prefix: string
  /** The same calls without the prefix. */
  readonly raw: Calls
}

/** What the embedded bus can do. */
export interface Embedded extends Calls {
  /** Publishes each item by itself; results stand in the order of the items. */
  readonly publishMany: (
    items: ReadonlyArray<Item>
  ) => Effect.Effect<ReadonlyArray<Result.Result<Accepted, PublishError>>>
  /**
   * As `handle`, for a handler that reads the payload itself, or hands the message on: it is parsed
   * when `delivery.payload` is first read.
   */
  readonly handleDeliveries: <E, R>(
    name: string,
    topic: string,
    handler: (delivery: Delivery) => Effect.Effect<unknown, E, R>,
    options?: HandleOptions
  ) => Effect.Effect<void, HandleError, R | Scope.Scope>
  /**
   * Runs `hook` before each message of any publisher is accepted, until the scope closes: what it
   * returns is published instead. See `Hooks.before`.
   */
  readonly beforePublish: <E = never, R = never>(
    name: string,
    hook: (item: Item) => Item | Effect.Effect<Item, E, R>
  ) => Effect.Effect<void, HookLimit, R | Scope.Scope>
  /** Runs `hook` for each accepted message, until the scope closes. See `Hooks.after`. */
  readonly afterPublish: <E = never, R = never>(
    name: string,
    hook: (payload: unknown, message: Message) => Effect.Effect<unknown, E, R> | void
  ) => Effect.Effect<void, HookLimit, R | Scope.Scope>
  /** The calls of plugin `name`, whose topics start with `plugin.<name>.`. */
  readonly plugin: (name: string) => Effect.Effect<Plugin, MessageInvalid>
  /** The bus underneath: pulls, dead letters, replays, the live state. */
  readonly bus: MessageBus["Service"]
}

/** The embedded bus. Used before it started or after it ended, it refuses with `BusClosed`. */
export class CodeFactory extends Context.Service<CodeFactory, Embedded>()(
  "codefactory/services/CodeFactory"
) {}
