/**
 * The execution context of code that awaits: it spans `await`, timers and callbacks, and ends with
 * the function it was set for.
 */
import * as Effect from "effect/Effect"
import { AsyncLocalStorage } from "node:async_hooks"
import { type Carried, type ContextValues, merge, nothing } from "../../domain/ExecutionContext.ts"
import { MessageInvalid } from "../../domain/Message.ts"
import * as ExecutionContext from "../../services/ExecutionContext.ts"

/** Node's own way, because a value handed on cannot follow code through `await`. */
const contexts = new AsyncLocalStorage<Carried>()

/** The context of the running code. */
export const awaited = (): Carried => contexts.getStore() ?? nothing

/** Runs `fn` with `values` set as well; throws `MessageInvalid` when they are no context. */
export const withAwaited = <A>(values: ContextValues, fn: () => A): A => {
  const carried = merge(awaited().values, values)
  if (typeof carried === "string") throw new MessageInvalid({ field: "context", reason: carried })
  return contexts.run(carried, fn)
}

/**
 * Runs a function in the context of the fibre, also when that is empty: the fibre may have been
 * started inside another one. What it throws or rejects with is kept as it is.
 */
export const promised = <A>(fn: () => A | Promise<A>): Effect.Effect<A, unknown> =>
  Effect.flatMap(ExecutionContext.reference, (context) =>
    Effect.tryPromise({
      try: () => contexts.run(context, () => Promise.resolve(fn())),
      catch: (error) => error
    }))
