/**
 * The message bus: accept messages, hand them to subscriptions, take their outcomes.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { DeadLetter, DeadLetterFilter, DeadLetterUnknown } from "../domain/DeadLetter.ts"
import type { Decision, DecisionFilter } from "../domain/Decision.ts"
import type { ContextValues } from "../domain/ExecutionContext.ts"
import type { Fates } from "../domain/Fate.ts"
import type { FilterFunction } from "../domain/Filter.ts"
import type { Draft, Message, MessageInvalid, PayloadTooLarge } from "../domain/Message.ts"
import type { PodState } from "../domain/Pod.ts"
import type { RetryPolicy } from "../domain/RetryPolicy.ts"
import type { Replayed, Settled } from "../domain/Settled.ts"
import type { Snapshot } from "../domain/Snapshot.ts"
import type {
  Created,
  Subscription,
  SubscriptionBroadcast,
  SubscriptionConflict,
  SubscriptionHandled,
  SubscriptionLimit,
  SubscriptionName,
  SubscriptionOptions,
  SubscriptionUnknown
} from "../domain/Subscription.ts"
import type { TopicReserved } from "../domain/Topic.ts"
import type { PatternReserved } from "../domain/TopicPattern.ts"
import type { HookRefused, Hooks } from "./Hooks.ts"
import type { IdempotencyConflict, IdempotencyInFlight, KeysUnavailable } from "./Idempotency.ts"
import type { LogCapacityError } from "./LogCapacity.ts"
import type { Durability, LogUnavailable } from "./MessageLog.ts"
import type { MessageStatus } from "./MessageStatus.ts"
import type { Parked } from "./Parked.ts"
import type { Requests } from "./Requests.ts"
import type { ShardFull, ShardPaused, Shards } from "./Shards.ts"
import type { TailLimit, Tails } from "./Tails.ts"
import type { Watching } from "./Watching.ts"

/** The bus does not take publishes: it has not started, is closing, or is closed. */
export class BusClosed extends Schema.TaggedError<BusClosed>()("BusClosed", {
  state: Schema.Literals(["NotStarted", "Closing", "Closed"])
}) {
  override get message(): string {
    return this.state === "NotStarted"
      ? "the bus has not started; start it first"
      : `the bus is ${this.state.toLowerCase()}; nothing was stored`
  }
}

export type { Replayed, Settled } from "../domain/Settled.ts"
export { IdempotencyConflict, IdempotencyInFlight, KeysUnavailable } from "./Idempotency.ts"

/** Why a publish was refused; nothing of the message was stored. */
export type PublishError =
  | BusClosed
  | ShardFull
  | ShardPaused
  | IdempotencyConflict
  | IdempotencyInFlight
  | KeysUnavailable
  | TopicReserved
  | MessageInvalid
  | PayloadTooLarge
  | HookRefused
  | LogCapacityError
  | LogUnavailable

/** Why a subscription could not be created, or found as asked for. */
export type SubscribeError =
  | SubscriptionConflict
  | SubscriptionLimit
  | PatternReserved
  | LogUnavailable
  | BusClosed

/** A publish that succeeded: the message is stored as `durability` says. */
export interface Accepted {
  readonly id: string
  readonly topic: string
  readonly shard: number
  readonly durability: Durability
  /** The message was accepted before under the same idempotency key; `id` is the first one's. */
  readonly duplicate: boolean
  /** Of several pods, the one that has its partition; `undefined` where there is one. */
  readonly owner?: string | undefined
}

/** One hand-out, as handlers see it. */
export interface Delivery {
  readonly message: Message
  readonly subscription: SubscriptionName
  /** From 1. */
  readonly attempt: number
  /** The payload as a value; parsed when first read, then kept. */
  readonly payload: unknown
  /** The headers as an object; parsed when first read, then kept. */
  readonly headers: Readonly<Record<string, string>>
  /** The context of the publisher, in which the handler runs. */
  readonly context: ContextValues
  /**
   * Replies to the request that the message is: a value with a JSON form. `false` when it is none,
   * or nobody waits any more. The first reply counts.
   */
  readonly reply: (value: unknown) => Effect.Effect<boolean, MessageInvalid | PayloadTooLarge>
  /** Stops its time limit while an executor cannot begin, or starts it anew. */
  readonly holdLimit?: (isHeld: boolean) => void
}

/** Processes one delivery; success acknowledges it, failure counts as a failed attempt. */
export type Handler<E = unknown> = (delivery: Delivery) => Effect.Effect<unknown, E>

/** What a handler may bring beside its retries: code, which is not stored. */
export interface HandlerExtras {
  /** Works while the handler is attached, beside the filter of the subscription. */
  readonly filter?: FilterFunction | undefined
  /** What is done about failures, by the tag of their error. */
  readonly fates?: Fates | undefined
}

/** A hand-out to a remote consumer, to be acknowledged before `leaseExpiresAt` (Unix ms). */
export interface LeasedDelivery {
  readonly ackId: string
  readonly attempt: number
  readonly leaseExpiresAt: number
  readonly message: Message
}

/** Most deliveries and bytes of one pull. Source: design, section 9, "limits". */
export const pullMax = { count: 5_000, bytes: 8 * 1_048_576, waitMs: 30_000 } as const

/** The bus. Its layer starts it; closing the layer's scope drains and stops it. */
export class MessageBus extends Context.Service<MessageBus, {
  /** What every accepted message reaches. */
  readonly durability: Durability
  /** Accepts one message, or refuses it with nothing stored. */
  readonly publish: (draft: Draft) => Effect.Effect<Accepted, PublishError>
  /** Accepts each message by itself; results stand in the order of the drafts. */
  readonly publishMany: (
    drafts: ReadonlyArray<Draft>
  ) => Effect.Effect<ReadonlyArray<Result.Result<Accepted, PublishError>>>
  /** Creates a subscription, or finds it as asked for. */
  readonly createSubscription: (
    name: SubscriptionName,
    options: SubscriptionOptions
  ) => Effect.Effect<
    { readonly created: Created; readonly subscription: Subscription },
    SubscribeError
  >
  /** Ends a subscription; its pending deliveries and dead letters are discarded and counted. */
  readonly deleteSubscription: (
    name: string
  ) => Effect.Effect<void, SubscriptionUnknown | LogUnavailable | BusClosed>
  /** The subscription of that name. */
  readonly subscription: (name: string) => Effect.Effect<Subscription, SubscriptionUnknown>
  /** All subscriptions, by name. */
  readonly subscriptions: Effect.Effect<ReadonlyArray<Subscription>>
  /** Creates it when it is new; runs `handler` until the scope closes. What is pending stays. */
  readonly handle: (
    name: SubscriptionName,
    options: SubscriptionOptions,
    handler: Handler,
    retry?: Omit<RetryPolicy, "attemptsMax">,
    extras?: HandlerExtras
  ) => Effect.Effect<
    void,
    SubscribeError | SubscriptionHandled | TailLimit,
    Scope.Scope
  >
  /** Leases up to `max` deliveries; waits up to `waitMs` for the first one. */
  readonly pull: (
    name: string,
    max: number,
    waitMs: number
  ) => Effect.Effect<
    ReadonlyArray<LeasedDelivery>,
    SubscriptionUnknown | SubscriptionHandled | SubscriptionBroadcast | LogUnavailable | BusClosed
  >
  /** Settles leased deliveries as done; returns once that is stored. */
  readonly ack: (
    name: string,
    ackIds: ReadonlyArray<string>
  ) => Effect.Effect<Settled, SubscriptionUnknown | LogUnavailable | BusClosed>
  /** Gives them back as failed; handed out again after `delayMs`, or as the retry policy says. */
  readonly nack: (
    name: string,
    ackIds: ReadonlyArray<string>,
    delayMs: number | undefined
  ) => Effect.Effect<Settled, SubscriptionUnknown | LogUnavailable | BusClosed>
  /** Lets leases run for `byMs` from now. */
  readonly extend: (
    name: string,
    ackIds: ReadonlyArray<string>,
    byMs: number
  ) => Effect.Effect<Settled, SubscriptionUnknown | BusClosed>
  /** Where a message is, while the log retains it. */
  readonly status: (id: string) => Effect.Effect<Option.Option<MessageStatus>, LogUnavailable>
  /** Dead letters above id `after` that pass the filter, ascending, at most `limit`. */
  readonly deadLetters: (
    filter: DeadLetterFilter,
    after: number,
    limit: number
  ) => Effect.Effect<ReadonlyArray<DeadLetter>, LogUnavailable>
  /** Gives a dead letter another payload; a replay then delivers that, under a new id. */
  readonly editDeadLetter: (
    id: number,
    payload: string
  ) => Effect.Effect<DeadLetter, DeadLetterUnknown | PayloadTooLarge | LogUnavailable | BusClosed>
  /** Deletes dead letters for good; returns how many there were. */
  readonly deleteDeadLetters: (
    filter: DeadLetterFilter
  ) => Effect.Effect<number, LogUnavailable | BusClosed>
  /** Delivers dead letters again to their own subscription, with attempts counted from 1. */
  readonly replay: (
    filter: DeadLetterFilter,
    dryRun: boolean
  ) => Effect.Effect<Replayed, LogUnavailable | BusClosed>
  /** The shards of this pod, to be changed while the bus runs. */
  readonly shards: Shards
  /** The same; what is changed here is then changed at all other pods as well. */
  readonly shardsOfAll: Shards
  /** Decisions with an id above `after` that pass the filter, ascending, at most `limit`. */
  readonly decisions: (
    filter: DecisionFilter,
    after: number,
    limit: number
  ) => ReadonlyArray<Decision>
  /** Code that sees messages before and after they are accepted. */
  readonly hooks: Hooks
  /** Deliveries kept aside until somebody releases them. */
  readonly parked: Parked
  readonly tails: Tails
  /** Messages that wait for a reply. */
  readonly requests: Requests
  /** Ends the bus: leaving, closing, closed. Calling it again waits for the same end. */
  readonly drain: Effect.Effect<void>
  readonly watching: Watching
  /** The live state, read without waiting. */
  readonly snapshot: () => Snapshot
  /** This pod and all others, each with its live state. */
  readonly pods: Effect.Effect<ReadonlyArray<PodState>>
}>()("codefactory/services/MessageBus") {}
