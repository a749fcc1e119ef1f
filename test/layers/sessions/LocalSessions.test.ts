import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { SessionName } from "../../../src/domain/Session.ts"
import * as LocalSessions from "../../../src/layers/sessions/LocalSessions.ts"
import { Sessions } from "../../../src/services/Sessions.ts"
import { sessionsContract } from "../../contracts/SessionsContract.ts"

sessionsContract(
  "LocalSessions",
  Effect.sync(() => ({
    sessions: LocalSessions.layer(),
    pass: (ms) => TestClock.adjust(ms)
  }))
)

it.effect("as many sessions are kept as may be; ended ones make room", () =>
  Effect.gen(function*() {
    const { write } = yield* Sessions
    const add = (at: number) =>
      write({ name: SessionName.make(`s${at}`), value: "1", ttlMs: at === 0 ? 1_000 : 60_000 })
    for (let at = 0; at < 3; at++) yield* add(at)
    yield* add(2)
    assert.deepInclude(yield* Effect.flip(add(3)), { _tag: "SessionLimit", limit: 3 })
    yield* TestClock.adjust("1 second")
    yield* add(3)
  }).pipe(Effect.provide(LocalSessions.layer(3))))
