/**
 * Publishing values: encoded by the schema of a typed topic, written as JSON text once.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { MessageInvalid } from "../../domain/Message.ts"
import type { TypedTopic } from "../../domain/TypedTopic.ts"
import type { CodeFactory, Item, PublishOptions } from "../../services/CodeFactory.ts"
import type { Accepted, MessageBus, PublishError } from "../../services/MessageBus.ts"
import { draftOf, isDraftError } from "./Drafting.ts"

/** Publishes one value. */
export const publishWith = (bus: MessageBus["Service"]) =>
<A>(
  topic: string | TypedTopic<A>,
  payload: unknown,
  options?: PublishOptions
): Effect.Effect<Accepted, PublishError> => {
  if (typeof topic === "string") {
    const publish = (now: number) => {
      const draft = draftOf(topic, payload, options, now)
      return isDraftError(draft) ? Effect.fail(draft) : bus.publish(draft)
    }
    return options?.delay === undefined // Most have none, and no need to ask for the time.
      ? Effect.suspend(() => publish(0))
      : Effect.flatMap(Clock.currentTimeMillis, publish)
  }
  return Schema.encodeUnknownEffect(Schema.toCodecJson(topic.schema))(payload).pipe(
    Effect.mapError(({ message }) => new MessageInvalid({ field: "payload", reason: message })),
    Effect.flatMap((encoded) => publishWith(bus)(topic.name, encoded, options))
  )
}

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
