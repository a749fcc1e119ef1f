/**
 * Lag: how long something else has kept the event loop of this process.
 *
 * By how much too late a pause ends; portable, where the histogram of Node is not.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** How long a pause is meant to be: shorter hold-ups within one are seen in part. */
const pauseMs = 250

/** The longest lag since it was asked last, in milliseconds; it begins anew with each question. */
export const make: Effect.Effect<() => number, never, Scope.Scope> = Effect.gen(function*() {
  const state = { longest: 0 }
  const once = Effect.suspend(() => {
    const began = performance.now()
    return Effect.map(Effect.sleep(Duration.millis(pauseMs)), () => {
      state.longest = Math.max(state.longest, performance.now() - began - pauseMs)
    })
  })
  yield* Effect.forkScoped(Effect.forever(once))
  return () => {
    const { longest } = state
    state.longest = 0
    return longest
  }
})
