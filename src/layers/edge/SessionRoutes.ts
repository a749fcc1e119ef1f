/**
 * Sessions over HTTP: what a client remembers under a name, for a time, at any pod.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Session, SessionMs, SessionName } from "../../domain/Session.ts"
import type { Sessions } from "../../services/Sessions.ts"
import { bodyFields, decoder, jsonBody, valuesOf } from "./BodyDecoding.ts"
import { isoOf } from "./MessageText.ts"
import { queryDecoder } from "./QueryDecoding.ts"
import { fieldInvalid, Refusal } from "./Refusal.ts"
import { empty, json, jsonText, type Request, type Route } from "./Web.ts"

const pattern = "/v1/sessions/{name}"
const kept = { access: "session", pattern, body: undefined, waits: false } as const

/** The routes of sessions, `/v1/sessions/{name}`. */
export const sessionRoutes = (sessions: Sessions["Service"]): ReadonlyArray<Route> => [
  { ...kept, method: "GET", handle: read(sessions) },
  { ...kept, method: "PUT", body: jsonBody, handle: write(sessions) },
  { ...kept, method: "DELETE", handle: remove(sessions) }
]

const Version = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** The body of a writing; the version is the one that must be there, 0 for none. */
export const decodeWrite = decoder(Schema.Struct({
  value: Schema.Unknown,
  ttlMs: SessionMs,
  version: Schema.optionalKey(Version)
}))

/** The query of an end. */
export const decodeRemove = queryDecoder(Schema.Struct({
  version: Schema.optionalKey(Schema.FiniteFromString.pipe(Schema.decodeTo(Version)))
}))

const nameOf = ({ params }: Request): Result.Result<SessionName, Refusal> =>
  Result.mapError(
    Schema.decodeUnknownResult(SessionName)(params["name"] ?? ""),
    () => fieldInvalid("name", "expected 1 to 200 letters, digits or . _ : - /")
  )

const shown = (name: SessionName, { expiresAt, version }: Session) => ({
  name,
  version,
  expiresAt: isoOf(expiresAt)
})

const read = (sessions: Sessions["Service"]) =>
  Effect.fnUntraced(function*(request: Request) {
    const name = yield* Effect.fromResult(nameOf(request))
    const found = yield* sessions.read(name)
    if (Option.isNone(found)) return yield* Effect.fail(Refusal.SessionUnknown({ name }))
    const head = JSON.stringify(shown(name, found.value)).slice(0, -1)
    return jsonText(200, `${head},"value":${found.value.value}}`)
  })

const write = (sessions: Sessions["Service"]) =>
  Effect.fnUntraced(function*(request: Request) {
    const name = yield* Effect.fromResult(nameOf(request))
    const fields = yield* Effect.fromResult(bodyFields(request.body))
    const { ttlMs, version } = yield* Effect.fromResult(decodeWrite(valuesOf(fields)))
    // As it was sent: numbers that no double holds stay what they are.
    const value = fields.get("value")?.text ?? "null"
    return json(200, shown(name, yield* sessions.write({ name, value, ttlMs, version })))
  })

const remove = (sessions: Sessions["Service"]) =>
  Effect.fnUntraced(function*(request: Request) {
    const name = yield* Effect.fromResult(nameOf(request))
    const { version } = yield* Effect.fromResult(decodeRemove(request.head.query))
    const isThere = yield* sessions.remove(name, version)
    if (!isThere) return yield* Effect.fail(Refusal.SessionUnknown({ name }))
    return empty(204)
  })
