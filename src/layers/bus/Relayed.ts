/**
 * Relayed: a handler of this pod that runs for a delivery which another pod has.
 *
 * That pod counts attempts and keeps the time; it interrupts what runs too long. Here it is one run
 * of a handler, and what came of it.
 */
import * as Effect from "effect/Effect"
import * as ExecutionContext from "../../services/ExecutionContext.ts"
import type { Ran, RelayedRun } from "../../services/OtherPods.ts"
import type { Core } from "./Core.ts"
import { failureOf, isNotBegun } from "./Outcomes.ts"
import { Shown } from "./Shown.ts"

/** Runs it, unless its filter function does not pass the message. */
export const run = (
  core: Core,
  { attempt, filter, handler, message, name }: RelayedRun
): Effect.Effect<Ran> => {
  const delivery = new Shown(core, message, name, attempt)
  const running = Effect.suspend(() =>
    filter === undefined || filter(delivery.payload, message) === true
      ? handler(delivery)
      : Effect.void
  )
  return Effect.provideService(running, ExecutionContext.reference, delivery.carried).pipe(
    Effect.matchCause({
      onSuccess: (): Ran => "Done",
      onFailure: (cause): Ran => isNotBegun(cause) ? "NotBegun" : failureOf(cause)
    })
  )
}
