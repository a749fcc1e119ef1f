/**
 * Publishing values: encoded by the schema of a typed topic, written as JSON text once.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Draft, MessageInvalid } from "../../domain/Message.ts"
import type { TypedTopic } from "../../domain/TypedTopic.ts"
import type { CodeFactory, Item, PublishOptions } from "../../services/CodeFactory.ts"
import type { Accepted, MessageBus, PublishError } from "../../services/MessageBus.ts"
import { type DraftError, draftOf, isDraftError } from "./Drafting.ts"

/** The draft of a value, encoded by the schema of its topic when that is typed. */
export const draftFor = <A>(
  topic: string | TypedTopic<A>,
  payload: unknown,
  options?: PublishOptions
): Effect.Effect<Draft, DraftError> =>
  typeof topic === "string"
    ? Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const draft = draftOf(topic, payload, options, now)
      return isDraftError(draft) ? Effect.fail(draft) : Effect.succeed(draft)
    })
    : Schema.encodeUnknownEffect(Schema.toCodecJson(topic.schema))(payload).pipe(
      Effect.mapError(({ message }) => new MessageInvalid({ field: "payload", reason: message })),
      Effect.flatMap((encoded) => draftFor(topic.name, encoded, options))
    )

/** Publishes one value. */
export const publishWith = (bus: MessageBus["Service"]) =>
<A>(
  topic: string | TypedTopic<A>,
  payload: unknown,
  options?: PublishOptions
): Effect.Effect<Accepted, PublishError> =>
  typeof topic === "string" && options?.delay === undefined
    ? Effect.suspend(() => { // Hot: most have no delay, and no need to ask for the time.
      const draft = draftOf(topic, payload, options)
      return isDraftError(draft) ? Effect.fail(draft) : bus.publish(draft)
    })
    : Effect.flatMap(draftFor(topic, payload, options), bus.publish)

/** Publishes values, each by itself. */
export const publishManyWith =
  (bus: MessageBus["Service"]) =>
  (items: ReadonlyArray<Item>): ReturnType<CodeFactory["Service"]["publishMany"]> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const drafts = items.map(({ options, payload, topic }) =>
        draftOf(topic, payload, options, now)
      )
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
