/**
 * An invocation: one run of an agent's handler, in whatever thread.
 *
 * Written with callbacks: a handler that returns a value or a promise costs no fibre.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { Failure } from "../../domain/Delivery.ts"
import * as CurrentContext from "../../services/CurrentContext.ts"
import type { AgentView } from "./AgentView.ts"
import { failureBy, failureOf } from "./Failures.ts"
import type { Ready } from "./Loading.ts"

/** One run. Told once how it ended: by no failure, or by which one. */
export class Invocation {
  private readonly ready: Ready
  private readonly view: AgentView
  private readonly ended: (failure: Failure | undefined) => void
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined

  constructor(ready: Ready, view: AgentView, ended: (failure: Failure | undefined) => void) {
    this.ready = ready
    this.view = view
    this.ended = ended
  }

  /** Runs the handler; it may have ended when this returns. */
  begin(): void {
    const { decode, heavy } = this.ready
    if (decode === undefined && heavy.isReady) return this.call(() => this.view.payload)
    this.run(this.prepared(decode), (payload) => this.call(() => payload))
  }

  /** Tells the handler to let go; it has when its end is told. */
  cancel(): void {
    this.view.abort()
    this.fiber?.interruptUnsafe()
  }

  private prepared(decode: Ready["decode"]): Effect.Effect<unknown, unknown> {
    const { ready: { heavy }, view } = this
    return Effect.gen(function*() {
      yield* Effect.tryPromise({ try: () => heavy.get(), catch: (error) => error })
      const sent = yield* Effect.try({ try: () => view.payload, catch: (error) => error })
      return decode === undefined ? sent : yield* decode(sent)
    })
  }

  /** Hot: what most messages cost. */
  private call(payload: () => unknown): void {
    const returned = Result.try({
      try: () => this.handle(payload(), this.ready.heavy.value),
      catch: (error) => error
    })
    if (Result.isFailure(returned)) return this.end(failureBy(returned.failure))
    const value = returned.success
    if (isEffect(value)) return this.run(value, () => this.end(undefined))
    if (!isThenable(value)) return this.end(undefined)
    Promise.resolve(value).then(
      () => this.end(undefined),
      (error: unknown) => this.end(failureBy(error))
    )
  }

  private handle(payload: unknown, heavy: unknown): unknown {
    // A handler is only given payloads of its topic and its own heavy part: hence the cast.
    return this.ready.found.handler.handle(payload as never, this.view, heavy as never)
  }

  private run(effect: Effect.Effect<unknown, unknown>, then: (value: unknown) => void): void {
    const { carried } = this.view
    this.fiber = Effect.runFork(
      carried.text === undefined
        ? effect
        : Effect.provideService(effect, CurrentContext.reference, carried)
    )
    this.fiber.addObserver((exit) =>
      Exit.isSuccess(exit) ? then(exit.value) : this.end(failureOf(exit.cause))
    )
  }

  private end(failure: Failure | undefined): void {
    this.view.end()
    this.ended(failure)
  }
}

/** The Effect of a stranger: what it needs cannot be given, and it then dies by name. */
const isEffect = (value: unknown): value is Effect.Effect<unknown, unknown> =>
  Effect.isEffect(value)

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value &&
  typeof value.then === "function"
