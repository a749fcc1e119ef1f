/** Real servers that the tests of a file or a suite share; without one here they are skipped. */
import { Cause, Effect, Exit, Option, Scope } from "effect"
import { afterAll, beforeAll, beforeEach } from "vitest"
import type { NoServer } from "./NoServer.ts"

/** Starts something for the tests beside the call, and ends it after them. */
export const serving = <A>(start: Effect.Effect<A, NoServer, Scope.Scope>): Effect.Effect<A> => {
  const scope = Scope.makeUnsafe()
  const state: { server: Exit.Exit<A, NoServer> } = { server: Exit.die("asked for too early") }
  beforeAll(async () => {
    state.server = await Effect.runPromiseExit(Effect.provideService(start, Scope.Scope, scope))
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  beforeEach(({ skip }) => {
    if (Exit.isFailure(state.server)) skip(reasonOf(state.server.cause))
  })
  return Effect.orDie(Effect.suspend(() => state.server))
}

/** Why there is none, or whatever else went wrong. */
const reasonOf = (cause: Cause.Cause<NoServer>): string =>
  Option.match(Cause.findErrorOption(cause), {
    onNone: () => Cause.pretty(cause),
    onSome: ({ reason }) => reason
  })
