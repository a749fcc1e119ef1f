/**
 * Embedding: the bus with values instead of JSON text, for programs that contain it.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
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
import {
  CodeFactory,
  type HandleOptions,
  type Item,
  type PublishOptions
} from "../../services/CodeFactory.ts"
import {
  type Accepted,
  type Delivery,
  MessageBus,
  type PublishError
} from "../../services/MessageBus.ts"
import { draftOf, isDraftError } from "./Drafting.ts"

/** The embedded bus over the bus that is provided. */
export const layer: Layer.Layer<CodeFactory, never, MessageBus> = Layer.effect(
  CodeFactory,
  Effect.map(MessageBus, (bus) =>
    CodeFactory.of({
      bus,
      publish: publishWith(bus),
      publishMany: publishManyWith(bus),
      handle: handleWith(bus)
    }))
)

const nameOf = (topic: string | { readonly name: string }): string =>
  typeof topic === "string" ? topic : topic.name

const publishWith = (bus: MessageBus["Service"]) =>
<A>(
  topic: string | TypedTopic<A>,
  payload: unknown,
  options?: PublishOptions
): Effect.Effect<Accepted, PublishError> => {
  if (typeof topic === "string") {
    return Effect.suspend(() => {
      const draft = draftOf(topic, payload, options)
      return isDraftError(draft) ? Effect.fail(draft) : bus.publish(draft)
    })
  }
  return Schema.encodeUnknownEffect(Schema.toCodecJson(topic.schema))(payload).pipe(
    Effect.mapError(({ message }) => new MessageInvalid({ field: "payload", reason: message })),
    Effect.flatMap((encoded) => {
      const draft = draftOf(topic.name, encoded, options)
      return isDraftError(draft) ? Effect.fail(draft) : bus.publish(draft)
    })
  )
}

const publishManyWith =
  (bus: MessageBus["Service"]) =>
  (items: ReadonlyArray<Item>): ReturnType<CodeFactory["Service"]["publishMany"]> =>
    Effect.suspend(() => {
      const drafts = items.map(({ options, payload, topic }) => draftOf(topic, payload, options))
      const good = drafts.flatMap((draft) => isDraftError(draft) ? [] : [draft])
      return Effect.map(bus.publishMany(good), (published) => {
        if (good.length === drafts.length) return published
        const results = published.values()
        return drafts.map((draft): Result.Result<Accepted, PublishError> =>
          isDraftError(draft) ? Result.fail(draft) : nextOf(results)
        )
      })
    })

const nextOf = <A>(values: Iterator<A>): A => {
  const { done, value } = values.next()
  if (done === true) throw new Error("fewer results than drafts") // A bug of the bus.
  return value
}

const handleWith = (bus: MessageBus["Service"]) =>
<A, E, R>(
  name: string,
  topic: string | TypedTopic<A>,
  handler: (payload: never, delivery: Delivery) => Effect.Effect<unknown, E, R>,
  options: HandleOptions = {}
) =>
  Effect.gen(function*() {
    const subscription = yield* decoded("name", SubscriptionName, name)
    const wanted = yield* decoded("options", SubscriptionOptions, {
      topic: nameOf(topic),
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
    const context = yield* Effect.context<R>()
    const run = decoding(topic, handler)
    yield* bus.handle(
      subscription,
      wanted,
      (delivery) => Effect.provideContext(run(delivery), context),
      retry,
      { fates, filter: typeof options.filter === "function" ? options.filter : undefined }
    )
  })

const retryOf = ({ retry = {} }: HandleOptions, attemptsMax: number): RetryPolicy => ({
  attemptsMax,
  baseMs: Duration.toMillis(retry.base ?? retryDefault.baseMs),
  factor: retry.factor ?? retryDefault.factor,
  capMs: Duration.toMillis(retry.cap ?? retryDefault.capMs),
  jitter: retry.jitter ?? retryDefault.jitter
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
