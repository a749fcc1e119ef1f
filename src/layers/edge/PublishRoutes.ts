/**
 * Publishing one message: the hot path of the edge, without a generator, span or middleware.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Accepted, MessageBus } from "../../services/MessageBus.ts"
import { decodeDraft } from "./DraftDecoding.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { publishPattern } from "./PublishPath.ts"
import { textOf } from "./Unicode.ts"
import { jsonText, jsonType, type Reply, type Request, type Route } from "./Web.ts"

/** The body of an accepted message; topic, id and durability need no escaping. */
export const acceptedText = ({ duplicate, durability, id, shard, topic }: Accepted): string =>
  `{"id":"${id}","topic":"${topic}","shard":${shard},"durability":"${durability}",` +
  `"duplicate":${duplicate}}`

/** Names the pod that has the partition of a message; its next messages are quickest there. */
export const ownerHeader = "codefactory-owner"

const accepted = (result: Accepted): Reply =>
  result.owner === undefined
    ? jsonText(202, acceptedText(result))
    : jsonText(202, acceptedText(result), { [ownerHeader]: result.owner })

/** `POST /v1/topics/{topic}/messages`. */
export const publishRoutes = (bus: MessageBus["Service"]): ReadonlyArray<Route> => [{
  method: "POST",
  pattern: publishPattern,
  access: "publish",
  body: { contentTypes: [jsonType], bytesMax: edgeLimits.bodyBytesMax },
  waits: false,
  handle: (request) => {
    const draft = draftOf(request)
    return Result.isFailure(draft)
      ? Effect.fail(draft.failure)
      : Effect.map(bus.publish(draft.success), accepted)
  }
}]

const draftOf = ({ body, head, params }: Request) => {
  const text = textOf(body)
  return Result.isFailure(text)
    ? Result.fail(text.failure)
    : decodeDraft(text.success, text.success.length === body.length, {
      topic: params["topic"],
      idempotencyKey: head.header("idempotency-key"),
      traceparent: head.header("traceparent")
    })
}
