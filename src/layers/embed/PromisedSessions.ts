/**
 * Sessions for programs without Effect: values under names, for a time.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type Session, SessionName } from "../../domain/Session.ts"
import { SessionInvalid, Sessions, SessionsUnavailable } from "../../services/Sessions.ts"

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

/** The sessions of whoever runs effects. */
export const promisedSessions = (
  run: <A, E>(effect: Effect.Effect<A, E, Sessions>) => Promise<A>
): PromisedSessions => ({
  get: (name) =>
    run(Effect.gen(function*() {
      const { read } = yield* Sessions
      const found = Option.getOrUndefined(yield* read(yield* named(name)))
      if (found === undefined) return undefined
      const value = yield* Effect.try({
        try: (): unknown => JSON.parse(found.value),
        catch: () => new SessionsUnavailable({ detail: `the session ${name} holds no JSON` })
      })
      return { ...found, value }
    })),
  set: (name, value, { ttlMs, version }) =>
    run(Effect.gen(function*() {
      const { write } = yield* Sessions
      const text = yield* jsonOf(value)
      const written = yield* write({ name: yield* named(name), value: text, ttlMs, version })
      return written.version
    })),
  delete: (name, version) =>
    run(Effect.gen(function*() {
      const { remove } = yield* Sessions
      return yield* remove(yield* named(name), version)
    }))
})

const named = (name: string): Effect.Effect<SessionName, SessionInvalid> =>
  Effect.mapError(
    Schema.decodeUnknownEffect(SessionName)(name),
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
