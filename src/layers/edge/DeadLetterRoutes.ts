/**
 * Dead letters: list by page, show, edit, delete, replay.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type DeadLetterFilter, DeadLetterUnknown } from "../../domain/DeadLetter.ts"
import { payloadBytesMax, PayloadTooLarge } from "../../domain/Message.ts"
import type { MessageBus } from "../../services/MessageBus.ts"
import { bodyObject, decoder, jsonBody } from "./BodyDecoding.ts"
import type { DraftRefused } from "./DraftDecoding.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { type JsonField, readFields, shownName } from "./JsonFields.ts"
import { deadLetterText } from "./MessageText.ts"
import { digits, pageFields } from "./PageQuery.ts"
import { permitFilter, permitTopic } from "./Permission.ts"
import { queryDecoder } from "./QueryDecoding.ts"
import { fieldInvalid } from "./Refusal.ts"
import { escapesWellFormed, textOf, utf8Bytes } from "./Unicode.ts"
import { type Caller, empty, json, jsonText, type Request, type Route } from "./Web.ts"

type Bus = MessageBus["Service"]

const all = "/v1/dead-letters"
const one = "/v1/dead-letters/{id}"

const quick = { access: "replay", body: undefined, waits: false } as const

/** Dead letters of a page that does not say how many. */
export const pageDefault = 100

/** Dead letters read at once, so that a page of large ones is cut off before it is in memory. */
export const readChunk = 16

/** `/v1/dead-letters` and what lies under it. */
export const deadLetterRoutes = (bus: Bus): ReadonlyArray<Route> => [
  { ...quick, method: "GET", pattern: all, handle: list(bus) },
  { ...quick, method: "DELETE", pattern: all, handle: removeMany(bus) },
  { ...quick, method: "POST", pattern: `${all}/replay`, body: jsonBody, handle: replay(bus) },
  { ...quick, method: "GET", pattern: one, handle: get(bus) },
  { ...quick, method: "PATCH", pattern: one, body: jsonBody, handle: edit(bus) },
  { ...quick, method: "DELETE", pattern: one, handle: remove(bus) }
]

const filterFields = {
  topic: Schema.optionalKey(Schema.String),
  subscription: Schema.optionalKey(Schema.String)
}

/** The query of those that a deletion means. */
export const decodeFilter = queryDecoder(Schema.Struct(filterFields))

/** The query of a page of dead letters. */
export const decodePage = queryDecoder(Schema.Struct({
  ...filterFields,
  ...pageFields(edgeLimits.deadLettersPageMax)
}))

const list = (bus: Bus) =>
  Effect.fnUntraced(function*({ caller, head }: Request) {
    const { after = "-1", limit = `${pageDefault}`, ...filter } = yield* Effect.fromResult(
      decodePage(head.query)
    )
    yield* permitFilter(bus, caller, "replay", filter)
    const { more, texts, last } = yield* readPage(bus, filter, Number(after), Number(limit))
    const next = more ? `,"next":"${last}"` : ""
    return jsonText(200, `{"deadLetters":[${texts.join(",")}]${next}}`)
  })

/** Reads chunk by chunk until `limit` letters or the bytes of a page are there. */
const readPage = Effect.fnUntraced(
  function*(bus: Bus, filter: DeadLetterFilter, after: number, limit: number) {
    const texts: Array<string> = []
    let last = after // A loop of at most `limit` turns.
    let length = 0
    for (;;) {
      const letters = yield* bus.deadLetters(filter, last, readChunk)
      for (const letter of letters) {
        const text = deadLetterText(letter)
        length += text.length
        if (texts.length === limit || (texts.length > 0 && length > edgeLimits.pullBytesMax)) {
          return { texts, last, more: true }
        }
        texts.push(text)
        last = letter.id
      }
      if (letters.length < readChunk) return { texts, last, more: false }
    }
  }
)

const idOf = (params: Request["params"]): Result.Result<number, DeadLetterUnknown> => {
  const id = params["id"] ?? ""
  return /^\d{1,15}$/.test(id)
    ? Result.succeed(Number(id))
    : Result.fail(new DeadLetterUnknown({ id }))
}

const get = (bus: Bus) =>
  Effect.fnUntraced(function*({ caller, params }: Request) {
    const id = yield* Effect.fromResult(idOf(params))
    return jsonText(200, deadLetterText(yield* find(bus, caller, id)))
  })

/** The dead letter of that id, if the caller reaches its topic. */
const find = Effect.fnUntraced(function*(bus: Bus, caller: Caller, id: number) {
  const [letter] = yield* bus.deadLetters({ ids: [id] }, -1, 1)
  if (letter === undefined) return yield* new DeadLetterUnknown({ id: String(id) })
  yield* permitTopic(caller, "replay", letter.message.topic)
  return letter
})

/** Spares callers that reach everything the look at the letter. */
const permitLetter = (bus: Bus, caller: Caller, id: number) =>
  caller.grant === undefined ? Effect.void : find(bus, caller, id)

const edit = (bus: Bus) =>
  Effect.fnUntraced(function*({ body, caller, params }: Request) {
    const id = yield* Effect.fromResult(idOf(params))
    yield* permitLetter(bus, caller, id)
    const payload = yield* Effect.fromResult(payloadOf(body))
    return jsonText(200, deadLetterText(yield* bus.editDeadLetter(id, payload)))
  })

/** The new payload's text, cut out of `{"payload": ...}` as it stands there. */
const payloadOf = (body: Uint8Array): Result.Result<string, DraftRefused> =>
  Result.flatMap(Result.flatMap(textOf(body), readFields), payloadIn)

const payloadIn = (
  fields: ReadonlyMap<string, JsonField>
): Result.Result<string, DraftRefused> => {
  const unknown = Array.from(fields.keys()).find((name) => name !== "payload")
  if (unknown !== undefined) return Result.fail(fieldInvalid(shownName(unknown), "unknown field"))
  const payload = fields.get("payload")
  if (payload === undefined) return Result.fail(fieldInvalid("payload", "required"))
  if (!escapesWellFormed(payload.text)) {
    return Result.fail(fieldInvalid("payload", "a string is not well-formed Unicode"))
  }
  const sizeBytes = utf8Bytes(payload.text, false)
  return sizeBytes > payloadBytesMax
    ? Result.fail(new PayloadTooLarge({ field: "payload", sizeBytes, limitBytes: payloadBytesMax }))
    : Result.succeed(payload.text)
}

const remove = (bus: Bus) =>
  Effect.fnUntraced(function*({ caller, params }: Request) {
    const id = yield* Effect.fromResult(idOf(params))
    yield* permitLetter(bus, caller, id)
    const deleted = yield* bus.deleteDeadLetters({ ids: [id] })
    if (deleted === 0) return yield* new DeadLetterUnknown({ id: String(id) })
    return empty(204)
  })

const removeMany = (bus: Bus) =>
  Effect.fnUntraced(function*({ caller, head }: Request) {
    const filter = yield* Effect.fromResult(decodeFilter(head.query))
    yield* permitFilter(bus, caller, "replay", filter)
    return json(200, { deleted: yield* bus.deleteDeadLetters(filter) })
  })

/** The body of a replay. */
export const decodeReplay = decoder(Schema.Struct({
  ...filterFields,
  maxAgeSeconds: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))),
  ids: Schema.optionalKey(Schema.Array(digits)),
  dryRun: Schema.optionalKey(Schema.Boolean)
}))

const replay = (bus: Bus) =>
  Effect.fnUntraced(function*({ body, caller }: Request) {
    const object = yield* Effect.fromResult(bodyObject(body))
    const asked = yield* Effect.fromResult(decodeReplay(object))
    yield* permitFilter(bus, caller, "replay", asked)
    const now = yield* Clock.currentTimeMillis
    const { failed, remaining, replayed } = yield* bus.replay({
      topic: asked.topic,
      subscription: asked.subscription,
      ids: asked.ids?.map(Number),
      failedSince: asked.maxAgeSeconds === undefined
        ? undefined
        : Math.floor(now - asked.maxAgeSeconds * 1_000)
    }, asked.dryRun ?? false)
    return json(200, { replayed, failed, remaining })
  })
