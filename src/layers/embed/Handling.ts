/**
 * Handling values: handlers get payloads decoded by the schema of a typed topic.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { PermanentFailure } from "../../domain/Delivery.ts"
import { Fates, noFates } from "../../domain/Fate.ts"
import { MessageInvalid } from "../../domain/Message.ts"
import { retryDefault, RetryPolicy } from "../../domain/RetryPolicy.ts"
import {
  ackTimeoutMsDefault,
  maxAttemptsDefault,
  SubscriptionName,
  SubscriptionOptions
} from "../../domain/Subscription.ts"
import type { TypedTopic } from "../../domain/TypedTopic.ts"
import type { HandleOptions } from "../../services/CodeFactory.ts"
import * as ExecutionContext from "../../services/ExecutionContext.ts"
import type { Delivery, MessageBus } from "../../services/MessageBus.ts"

/** Attaches a handler of payloads to a durable subscription. */
export const handleWith = (bus: MessageBus["Service"]) => {
  const handleDeliveries = handleDeliveriesWith(bus)
  return <A, E, R>(
    name: string,
    topic: string | TypedTopic<A>,
    handler: (payload: never, delivery: Delivery) => Effect.Effect<unknown, E, R>,
    options?: HandleOptions
  ) =>
    handleDeliveries(
      name,
      typeof topic === "string" ? topic : topic.name,
      decoding(topic, handler),
      options
    )
}

/** Attaches a handler of deliveries to a durable subscription; nothing is parsed for it. */
export const handleDeliveriesWith = (bus: MessageBus["Service"]) =>
<E, R>(
  name: string,
  topic: string,
  handler: (delivery: Delivery) => Effect.Effect<unknown, E, R>,
  options: HandleOptions = {}
) =>
  Effect.gen(function*() {
    const subscription = yield* decoded("name", SubscriptionName, name)
    const wanted = yield* decoded("options", SubscriptionOptions, {
      topic,
      ordering: options.ordering ?? "key",
      maxAttempts: options.maxAttempts ?? maxAttemptsDefault,
      ackTimeoutMs: Duration.toMillis(options.timeout ?? ackTimeoutMsDefault),
      from: options.from ?? "now",
      mode: options.mode ?? "compete",
      ...(options.maxAge === undefined ? {} : { maxAgeMs: Duration.toMillis(options.maxAge) }),
      ...(options.filter === undefined || typeof options.filter === "function"
        ? {}
        : { filter: options.filter })
    })
    const retry = yield* decoded("retry", RetryPolicy, retryOf(options, wanted.maxAttempts))
    const fates = yield* decoded("fates", Fates, options.fates ?? noFates)
    const context = withoutExecution(yield* Effect.context<R>())
    const provide = providing(context)
    yield* bus.handle(
      subscription,
      wanted,
      (delivery) => provide(handler(delivery)),
      retry,
      { fates, filter: typeof options.filter === "function" ? options.filter : undefined }
    )
  })

/**
 * Provides a context, merged once for all messages that a fibre handles. Measured: merging it for
 * each is a seventh of what a message costs in memory. Mutable: the last merge.
 */
const providing = <R>(context: Context.Context<R>) => {
  const merge = (around: Context.Context<never>) => Context.merge(around, context)
  const last = { around: Context.empty(), merged: merge(Context.empty()) }
  return <A, E>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E> =>
    Effect.updateContext(self, (around: Context.Context<never>) => {
      if (last.around !== around) {
        last.around = around
        last.merged = merge(around)
      }
      return last.merged
    })
}

/** What is attached inside an execution context must not run in it: each message brings its own. */
export const withoutExecution: <R>(context: Context.Context<R>) => Context.Context<R> = Context
  .omit(
    ExecutionContext.reference
  )

const retryOf = ({ retry = {} }: HandleOptions, attemptsMax: number): RetryPolicy => ({
  attemptsMax,
  baseMs: Duration.toMillis(retry.base ?? retryDefault.baseMs),
  factor: retry.factor ?? retryDefault.factor,
  capMs: Duration.toMillis(retry.cap ?? retryDefault.capMs),
  jitter: retry.jitter ?? (retry.delays === undefined ? retryDefault.jitter : 0),
  ...(retry.delays === undefined
    ? {}
    : { delaysMs: retry.delays.map((delay) => Duration.toMillis(delay)) })
})

const decoded = <A, I>(field: string, schema: Schema.Codec<A, I>, value: unknown) =>
  Effect.mapError(
    Schema.decodeUnknownEffect(schema)(value),
    ({ message }) => new MessageInvalid({ field, reason: message })
  )

const decoding = <A, E, R>(
  topic: string | TypedTopic<A>,
  handler: (payload: never, delivery: Delivery) => Effect.Effect<unknown, E, R>
): (delivery: Delivery) => Effect.Effect<unknown, E | PermanentFailure, R> => {
  // The overloads of `CodeFactory.handle` pair each topic with a handler of its payloads.
  const run = handler as (payload: unknown, delivery: Delivery) => Effect.Effect<unknown, E, R>
  if (typeof topic === "string") return (delivery) => run(delivery.payload, delivery)
  const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(topic.schema))
  return (delivery) =>
    Effect.flatMap(
      Effect.mapError(
        decode(delivery.payload),
        (error) => new PermanentFailure({ reason: `payload: ${error.message}` })
      ),
      (payload) => run(payload, delivery)
    )
}
