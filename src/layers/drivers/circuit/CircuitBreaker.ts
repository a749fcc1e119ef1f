/**
 * A circuit breaker around the calls of one dependency: the rule is `domain/Circuit.ts`, here it is
 * given a clock and a place to stand.
 *
 * `effect/persistence/CircuitBreaker` closes after one good trial and tells no metrics; the guide
 * asks for three.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import {
  admit,
  after,
  type CallOutcome,
  type Circuit,
  type CircuitPolicy,
  closed,
  policyIssue,
  seen
} from "../../../domain/Circuit.ts"

/**
 * The dependency failed so often that it is left alone for now; the call was not made. Remedy: try
 * again after `retryAfterMs`.
 */
export class CircuitOpen extends Schema.TaggedError<CircuitOpen>()("CircuitOpen", {
  dependency: Schema.String,
  retryAfterMs: Schema.Number
}) {
  override get message(): string {
    return `${this.dependency} failed repeatedly; it is tried again in ${this.retryAfterMs} ms`
  }
}

/** A breaker of one dependency. */
export interface CircuitBreaker {
  /** Makes a call unless the circuit is open; `isFailure` says which errors count against it. */
  readonly protect: <A, E, R>(
    call: Effect.Effect<A, E, R>,
    isFailure: (error: E) => boolean
  ) => Effect.Effect<A, E | CircuitOpen, R>
  /** The same for a call that is no effect: why not, or what is to be told of its outcome. */
  readonly begin: () => CircuitOpen | ((outcome: CallOutcome) => void)
  /** The dependency has shown by itself that it is there. */
  readonly seen: () => void
  /** Its state now. */
  readonly state: () => Circuit["_tag"]
  /** How often it opened. */
  readonly openings: () => number
}

/** A closed breaker. A policy that cannot work is a bug of the program, so a defect. */
export const make = (
  dependency: string,
  policy: CircuitPolicy
): Effect.Effect<CircuitBreaker> =>
  Effect.gen(function*() {
    const issue = policyIssue(policy)
    if (issue !== undefined) return yield* Effect.die(issue)
    const clock = yield* Clock.Clock
    const kept: { circuit: Circuit; openings: number } = { circuit: closed, openings: 0 }
    const now = (): number => clock.currentTimeMillisUnsafe()

    const begin = (): CircuitOpen | ((outcome: CallOutcome) => void) => {
      const { circuit, isAdmitted, retryAfterMs } = admit(kept.circuit, now())
      kept.circuit = circuit
      if (!isAdmitted) return new CircuitOpen({ dependency, retryAfterMs: Math.ceil(retryAfterMs) })
      const { generation } = circuit
      return (outcome) => {
        const next = after(kept.circuit, { generation, now: now(), outcome }, policy)
        if (next._tag === "Open" && kept.circuit._tag !== "Open") kept.openings++
        kept.circuit = next
      }
    }

    const protect = <A, E, R>(
      call: Effect.Effect<A, E, R>,
      isFailure: (error: E) => boolean
    ): Effect.Effect<A, E | CircuitOpen, R> =>
      Effect.suspend((): Effect.Effect<A, E | CircuitOpen, R> => {
        const end = begin()
        if (typeof end !== "function") return Effect.fail(end)
        return Effect.onExit(call, (exit) =>
          Effect.sync(() =>
            end(Exit.isSuccess(exit) ? "Succeeded" : outcomeOf(exit, isFailure))
          ))
      })

    const noticed = (): void => {
      kept.circuit = seen(kept.circuit, now())
    }

    return {
      protect,
      begin,
      seen: noticed,
      state: () => kept.circuit._tag,
      openings: () => kept.openings
    }
  })

/** An error that is not one of the dependency says that it answered. */
const outcomeOf = <A, E>(exit: Exit.Failure<A, E>, isFailure: (error: E) => boolean) => {
  const failed = exit.cause.reasons.find((reason) => reason._tag === "Fail")
  if (failed === undefined) return "Abandoned"
  return isFailure(failed.error) ? "Failed" : "Succeeded"
}
