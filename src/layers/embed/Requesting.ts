/**
 * Requests and responders over values.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { PermanentFailure } from "../../domain/Delivery.ts"
import { MessageInvalid } from "../../domain/Message.ts"
import { requestMs } from "../../domain/Request.ts"
import type { TypedTopic } from "../../domain/TypedTopic.ts"
import type { HandleError, HandleOptions, RequestOptions } from "../../services/CodeFactory.ts"
import type { Delivery, MessageBus } from "../../services/MessageBus.ts"
import type { RequestError } from "../../services/Requests.ts"
import { handleWith } from "./Handling.ts"
import { draftFor } from "./Publishing.ts"

/** Publishes a value and waits for the value of its reply. */
export const requestWith = (bus: MessageBus["Service"]) =>
<A>(
  topic: string | TypedTopic<A>,
  payload: unknown,
  options: RequestOptions = {}
): Effect.Effect<unknown, RequestError> => {
  const { timeout = requestMs.default, ...publishing } = options
  const timeoutMs = Duration.toMillis(timeout)
  if (!(timeoutMs > 0) || !Number.isFinite(timeoutMs)) {
    const reason = "expected a time above 0"
    return Effect.fail(new MessageInvalid({ field: "timeout", reason }))
  }
  return draftFor(topic, payload, publishing).pipe(
    Effect.flatMap((draft) => bus.requests.request(draft, timeoutMs)),
    Effect.map((reply): unknown => JSON.parse(reply.payload))
  )
}

/** Attaches a handler whose result is the reply. */
export const respondWith = (bus: MessageBus["Service"]) => {
  const handle = handleWith(bus)
  return <A, E, R>(
    name: string,
    topic: string | TypedTopic<A>,
    responder: (payload: never, delivery: Delivery) => Effect.Effect<unknown, E, R>,
    options?: HandleOptions
  ): Effect.Effect<void, HandleError, R | Scope.Scope> =>
    handle(
      name,
      topic,
      (payload: never, delivery) =>
        Effect.flatMap(responder(payload, delivery), (value) =>
          Effect.mapError(
            delivery.reply(value ?? null), // A responder without a result has done what was asked.
            (error) => new PermanentFailure({ reason: `the reply: ${reasonOf(error)}` })
          )),
      options
    )
}

const reasonOf = (error: Effect.Error<ReturnType<Delivery["reply"]>>): string =>
  error._tag === "MessageInvalid"
    ? error.reason
    : `it has ${error.sizeBytes} bytes, the limit is ${error.limitBytes}`
