/**
 * Sessions with values in place of JSON texts, for programs and agents: whatever they are given is
 * checked here, in one place.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type Session, SessionName } from "../domain/Session.ts"
import {
  type SessionConflict,
  SessionInvalid,
  type SessionLimit,
  type Sessions,
  SessionsUnavailable
} from "./Sessions.ts"

/** What was written, and which writing it was. */
export interface SessionValue extends Omit<Session, "value"> {
  readonly value: unknown
}

/** How long a session lasts (milliseconds), and the version that must be there, 0 for none. */
export interface SessionOptions {
  readonly ttlMs: number
  readonly version?: number
}

/** The sessions as promises. They reject with the tagged error of the refusal. */
export interface PromisedSessions {
  readonly get: (name: string) => Promise<SessionValue | undefined>
  /** Writes a value that JSON can hold; gives its version. */
  readonly set: (name: string, value: unknown, options: SessionOptions) => Promise<number>
  /** Ends it; whether there was one. */
  readonly delete: (name: string, version?: number) => Promise<boolean>
}

/** The sessions as effects. What they are given may be anything. */
export interface SessionValues {
  readonly get: (
    name: unknown
  ) => Effect.Effect<SessionValue | undefined, SessionInvalid | SessionsUnavailable>
  readonly set: (
    name: unknown,
    value: unknown,
    options: unknown
  ) => Effect.Effect<
    number,
    SessionConflict | SessionInvalid | SessionLimit | SessionsUnavailable
  >
  readonly delete: (
    name: unknown,
    version?: unknown
  ) => Effect.Effect<boolean, SessionConflict | SessionInvalid | SessionsUnavailable>
}

/** The values of these sessions. */
export const sessionValues = ({ read, remove, write }: Sessions["Service"]): SessionValues => ({
  get: (name) =>
    Effect.gen(function*() {
      const found = Option.getOrUndefined(yield* read(yield* named(name)))
      if (found === undefined) return undefined
      const value = yield* Effect.try({
        try: (): unknown => JSON.parse(found.value),
        catch: () => new SessionsUnavailable({ detail: `the session ${name} holds no JSON` })
      })
      return { ...found, value }
    }),
  set: (name, value, options) =>
    Effect.gen(function*() {
      const { ttlMs, version } = yield* Effect.mapError(
        decodeOptions(options),
        () => new SessionInvalid({ field: "ttlMs", reason: "expected { ttlMs, version? }" })
      )
      const text = yield* jsonOf(value)
      const written = yield* write({ name: yield* named(name), value: text, ttlMs, version })
      return written.version
    }),
  delete: (name, version) =>
    Effect.gen(function*() {
      const wanted = yield* Effect.mapError(
        decodeVersion(version),
        () => new SessionInvalid({ field: "version", reason: "expected a version, or nothing" })
      )
      return yield* remove(yield* named(name), wanted)
    })
})

const Version = Schema.UndefinedOr(Schema.Finite)
const decodeVersion = Schema.decodeUnknownEffect(Version)
const decodeName = Schema.decodeUnknownEffect(SessionName)
const decodeOptions = Schema.decodeUnknownEffect(
  Schema.Struct({ ttlMs: Schema.Finite, version: Schema.optional(Schema.Finite) })
)

const named = (name: unknown): Effect.Effect<SessionName, SessionInvalid> =>
  Effect.mapError(
    decodeName(name),
    () =>
      new SessionInvalid({ field: "name", reason: "expected 1 to 200 of A-Z a-z 0-9 . _ : - /" })
  )

const jsonOf = (value: unknown): Effect.Effect<string, SessionInvalid> =>
  Effect.flatMap(
    Effect.try({ try: () => JSON.stringify(value) ?? "", catch: String }),
    (text) => text === "" ? Effect.fail("it is undefined") : Effect.succeed(text)
  ).pipe(
    Effect.mapError((reason) =>
      new SessionInvalid({ field: "value", reason: `expected what JSON can hold: ${reason}` })
    )
  )
