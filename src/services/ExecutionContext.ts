/**
 * The execution context of the running fibre: what publishing attaches to a message, and what a
 * handler of that message runs with.
 *
 * It belongs to a stretch of code, not to a place in memory: `withValues` holds for the effect it
 * is given and for the fibres that starts, and ends with it. So nobody has to clean up, and neither
 * a failure nor a concurrent handler can leave something behind.
 */
import * as Effect from "effect/Effect"
import { type Carried, type ContextValues, merge, nothing } from "../domain/ExecutionContext.ts"
import { MessageInvalid } from "../domain/Message.ts"
import { reference } from "./CurrentContext.ts"

export { reference } from "./CurrentContext.ts"

/** The current values. */
export const current: Effect.Effect<ContextValues> = Effect.map(reference, ({ values }) => values)

/** A copy of the current values that may be changed without changing anything else. */
export const copy: Effect.Effect<Record<string, string>> = Effect.map(
  current,
  (values) => ({ ...values })
)

/** `base` with `values` set, or the refusal of values that are too many, too large or no texts. */
export const merged = (
  base: Carried,
  values: ContextValues
): Effect.Effect<Carried, MessageInvalid> => {
  const carried = merge(base.values, values)
  return typeof carried === "string"
    ? Effect.fail(new MessageInvalid({ field: "context", reason: carried }))
    : Effect.succeed(carried)
}

/** Runs an effect with `values` set as well; those of the same name are overwritten. */
export const withValues =
  (values: ContextValues) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | MessageInvalid, R> =>
    Effect.flatMap(reference, (base) =>
      Effect.flatMap(
        merged(base, values),
        (carried) => Effect.provideService(effect, reference, carried)
      ))

/** Runs an effect with the empty context. */
export const cleared = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, reference, nothing)
