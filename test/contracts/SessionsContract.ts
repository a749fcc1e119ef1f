/**
 * What all sessions keep, as one suite over each layer of them.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Option, type Scope } from "effect"
import { sessionBytesMax, SessionName } from "../../src/domain/Session.ts"
import { Sessions } from "../../src/services/Sessions.ts"

/** Sessions to be tested. */
export interface SessionsUnderTest {
  readonly sessions: Layer.Layer<Sessions>
  /** Lets time pass, by the clock of whoever keeps them. */
  readonly pass: (ms: number) => Effect.Effect<void>
}

const name = SessionName.make("chat/42")

/** The suite. `make` gives new sessions, of which there are none. */
export const sessionsContract = (
  title: string,
  make: Effect.Effect<SessionsUnderTest, never, Scope.Scope>
) => {
  const test = (
    what: string,
    body: (
      sessions: Sessions["Service"],
      pass: SessionsUnderTest["pass"]
    ) => Effect.Effect<void, unknown>
  ) =>
    it.effect(
      what,
      () =>
        Effect.flatMap(make, ({ pass, sessions }) =>
          Effect.provide(
            Sessions.use((service) => body(service, pass)),
            sessions
          ))
    )

  const value = `{"text":"Grüße\\n\u0000 🙂"}`
  const ttlMs = 60_000

  describe(title, () => {
    test(
      "what is written is read, byte for byte, until it has ended",
      (sessions, pass) =>
        Effect.gen(function*() {
          assert.isTrue(Option.isNone(yield* sessions.read(name)))
          const written = yield* sessions.write({ name, value, ttlMs })
          const read = Option.getOrThrow(yield* sessions.read(name))
          assert.deepInclude(read, { value, version: written.version })
          assert.closeTo(read.expiresAt, written.expiresAt, 1_000)
          yield* pass(ttlMs)
          assert.isTrue(Option.isNone(yield* sessions.read(name)))
        })
    )

    test("only who knows the last version writes or ends it", (sessions) =>
      Effect.gen(function*() {
        const first = yield* sessions.write({ name, value: "1", ttlMs, version: 0 })
        const second = yield* sessions.write({ name, value: "2", ttlMs, version: first.version })
        assert.isAbove(second.version, first.version)
        const stale = [
          Effect.asVoid(sessions.write({ name, value: "3", ttlMs, version: first.version })),
          Effect.asVoid(sessions.write({ name, value: "3", ttlMs, version: 0 })),
          Effect.asVoid(sessions.remove(name, first.version))
        ]
        for (const late of stale) {
          assert.deepInclude(yield* Effect.flip(late), {
            _tag: "SessionConflict",
            version: second.version
          })
        }
        const any = yield* sessions.write({ name, value: "4", ttlMs })
        assert.isTrue(yield* sessions.remove(name, any.version))
        assert.isFalse(yield* sessions.remove(name))
      }))

    test(
      "a version is not used again when a session has ended",
      (sessions, pass) =>
        Effect.gen(function*() {
          const first = yield* sessions.write({ name, value: "1", ttlMs: 1_000 })
          yield* pass(1_000)
          const late = yield* Effect.flip(
            sessions.write({ name, value: "2", ttlMs, version: first.version })
          )
          assert.deepInclude(late, { _tag: "SessionConflict", version: 0 })
          const next = yield* sessions.write({ name, value: "2", ttlMs, version: 0 })
          assert.isAbove(next.version, first.version)
        })
    )

    test("of many who write over the same version one does", (sessions) =>
      Effect.gen(function*() {
        const { version } = yield* sessions.write({ name, value: "0", ttlMs })
        const results = yield* Effect.all(
          Array.from({ length: 50 }, (_, at) =>
            Effect.result(sessions.write({ name, value: String(at), ttlMs, version }))),
          { concurrency: "unbounded" }
        )
        assert.lengthOf(
          results.filter(({ _tag }) =>
            _tag === "Success"
          ),
          1
        )
      }))

    test("too large a value and times out of range are refused by field", (sessions) =>
      Effect.gen(function*() {
        const wrong = [
          ["value", { value: "x".repeat(sessionBytesMax + 1), ttlMs }],
          ["ttlMs", { value, ttlMs: 999 }],
          ["ttlMs", { value, ttlMs: 30 * 86_400_000 + 1 }]
        ] as const
        for (const [field, write] of wrong) {
          assert.deepInclude(yield* Effect.flip(sessions.write({ name, ...write })), {
            _tag: "SessionInvalid",
            field
          })
        }
      }))
  })
}
