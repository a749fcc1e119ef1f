/**
 * Requests over HTTP: publish a message and answer with its reply.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Draft } from "../../domain/Message.ts"
import { requestMs } from "../../domain/Request.ts"
import type { MessageBus } from "../../services/MessageBus.ts"
import type { Reply as Replied } from "../../services/Requests.ts"
import { decodeFields, type DraftRefused } from "./DraftDecoding.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { readFields } from "./JsonFields.ts"
import { fieldInvalid, type Refusal } from "./Refusal.ts"
import { textOf } from "./Unicode.ts"
import { jsonText, jsonType, type Reply, type Request, type Route } from "./Web.ts"

/** `POST /v1/topics/{topic}/requests`. */
export const requestRoutes = (bus: MessageBus["Service"]): ReadonlyArray<Route> => [{
  method: "POST",
  pattern: "/v1/topics/{topic}/requests",
  access: "publish",
  body: { contentTypes: [jsonType], bytesMax: edgeLimits.bodyBytesMax },
  waits: true,
  handle: (request) => {
    const decoded = decode(request)
    return Result.isFailure(decoded)
      ? Effect.fail(decoded.failure)
      : Effect.map(
        bus.requests.request(decoded.success.draft, decoded.success.timeoutMs),
        replyText
      )
  }
}]

/** Fields of a message that a request decides itself, or that would make it no request. */
const foreign = ["idempotencyKey", "expiresAt", "deliverAt"] as const

interface Decoded {
  readonly draft: Draft
  readonly timeoutMs: number
}

const decode = ({ body, head, params }: Request): Result.Result<Decoded, DraftRefused> =>
  Result.gen(function*() {
    const text = yield* textOf(body)
    const { timeoutMs, ...rest } = yield* split(yield* readFields(text))
    const draft = yield* decodeFields(rest.fields, text.length === body.length, {
      topic: params["topic"],
      idempotencyKey: undefined,
      traceparent: head.header("traceparent")
    })
    return { draft, timeoutMs }
  })

type Fields = Result.Result.Success<ReturnType<typeof readFields>>

/** The fields of the message, and how long to wait. */
const split = (
  read: Fields
): Result.Result<{ readonly fields: Fields; readonly timeoutMs: number }, Refusal> => {
  const wrong = foreign.find((name) => read.has(name))
  if (wrong !== undefined) return Result.fail(fieldInvalid(wrong, "unknown field"))
  const fields = new Map(read)
  fields.delete("timeoutMs")
  const timeoutMs = read.has("timeoutMs") ? read.get("timeoutMs")?.value : requestMs.default
  return typeof timeoutMs === "number" && Number.isInteger(timeoutMs) && timeoutMs >= 1 &&
      timeoutMs <= requestMs.max
    ? Result.succeed({ fields, timeoutMs })
    : Result.fail(
      fieldInvalid("timeoutMs", `expected a whole number of ms from 1 to ${requestMs.max}`)
    )
}

const replyText = ({ contentType, headers, payload }: Replied): Reply =>
  jsonText(
    200,
    `{"payload":${payload},"headers":${headers ?? "{}"},` +
      `"contentType":${contentType === undefined ? "null" : JSON.stringify(contentType)}}`
  )
