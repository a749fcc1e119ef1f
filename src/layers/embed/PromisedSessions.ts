/**
 * Sessions for programs without Effect.
 */
import type * as Effect from "effect/Effect"
import { Sessions } from "../../services/Sessions.ts"
import {
  type PromisedSessions,
  type SessionValues,
  sessionValues
} from "../../services/SessionValues.ts"

/** The sessions of whoever runs effects. */
export const promisedSessions = (
  run: <A, E>(effect: Effect.Effect<A, E, Sessions>) => Promise<A>
): PromisedSessions => {
  const ask = <A, E>(use: (values: SessionValues) => Effect.Effect<A, E>): Promise<A> =>
    run(Sessions.use((sessions) => use(sessionValues(sessions))))
  return {
    get: (name) => ask((values) => values.get(name)),
    set: (name, value, options) => ask((values) => values.set(name, value, options)),
    delete: (name, version) => ask((values) => values.delete(name, version))
  }
}
