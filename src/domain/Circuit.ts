/**
 * The circuit breaker: after several failures in a row a dependency is left alone for a while, and
 * then tried with one call at a time.
 *
 * Pure: whoever calls the dependency keeps the state. A call that began before the last change of
 * state says nothing about the dependency as it is now, so its outcome is ignored.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/** When a circuit opens, for how long, and how many trials must succeed before it closes. */
export interface CircuitPolicy {
  readonly failuresMax: number
  readonly openFor: Duration.Duration
  readonly successesNeeded: number
}

/** Source: guide, "Circuit Breaker" (5 failures, 60 s, 3 successes). */
export const circuitPolicyDefault: CircuitPolicy = {
  failuresMax: 5,
  openFor: Duration.seconds(60),
  successesNeeded: 3
}

/** A policy that cannot work. Remedy: numbers of at least 1, and a time above 0. */
export class CircuitPolicyInvalid
  extends Schema.TaggedError<CircuitPolicyInvalid>()("CircuitPolicyInvalid", {
    field: Schema.Literals(["failuresMax", "openFor", "successesNeeded"])
  })
{
  override get message(): string {
    return `a circuit breaker needs ${this.field} above 0`
  }
}

/** What is wrong with a policy, if anything. */
export const policyIssue = (policy: CircuitPolicy): CircuitPolicyInvalid | undefined => {
  if (!isCount(policy.failuresMax)) return new CircuitPolicyInvalid({ field: "failuresMax" })
  if (!(Duration.toMillis(policy.openFor) > 0)) {
    return new CircuitPolicyInvalid({ field: "openFor" })
  }
  return isCount(policy.successesNeeded)
    ? undefined
    : new CircuitPolicyInvalid({ field: "successesNeeded" })
}

const isCount = (value: number): boolean => Number.isInteger(value) && value > 0

/**
 * The state of a circuit. `generation` grows with every change of it; `until` is in milliseconds
 * of whatever clock the caller has, which must not jump.
 */
export type Circuit =
  | { readonly _tag: "Closed"; readonly generation: number; readonly failures: number }
  | { readonly _tag: "Open"; readonly generation: number; readonly until: number }
  | {
    readonly _tag: "HalfOpen"
    readonly generation: number
    readonly successes: number
    /** A trial is under way: the next one waits for its outcome. */
    readonly isTrying: boolean
  }

/** A circuit that nothing has happened to. */
export const closed: Circuit = { _tag: "Closed", generation: 0, failures: 0 }

/** Whether a call may be made, and the circuit from then on. */
export interface Admission {
  readonly isAdmitted: boolean
  readonly circuit: Circuit
  /** How long to wait before asking again (milliseconds), when it was refused. */
  readonly retryAfterMs: number
}

/** How long to wait for the outcome of somebody else's trial (milliseconds). */
const trialWaitMs = 100

/** Asks for a call at `now`. */
export const admit = (circuit: Circuit, now: number): Admission => {
  switch (circuit._tag) {
    case "Closed":
      return { isAdmitted: true, circuit, retryAfterMs: 0 }
    case "Open":
      return now < circuit.until
        ? { isAdmitted: false, circuit, retryAfterMs: circuit.until - now }
        : {
          isAdmitted: true,
          circuit: {
            _tag: "HalfOpen",
            generation: circuit.generation + 1,
            successes: 0,
            isTrying: true
          },
          retryAfterMs: 0
        }
    case "HalfOpen":
      return circuit.isTrying
        ? { isAdmitted: false, circuit, retryAfterMs: trialWaitMs }
        : { isAdmitted: true, circuit: { ...circuit, isTrying: true }, retryAfterMs: 0 }
  }
}

/**
 * How a call ended: the dependency answered, or failed, or nothing is known because the caller gave
 * up first.
 */
export type CallOutcome = "Succeeded" | "Failed" | "Abandoned"

/** The circuit after a call that was admitted under `generation` ended at `now`. */
export const after = (
  circuit: Circuit,
  { generation, now, outcome }: {
    readonly generation: number
    readonly now: number
    readonly outcome: CallOutcome
  },
  policy: CircuitPolicy
): Circuit => {
  if (circuit.generation !== generation) return circuit
  const open: Circuit = {
    _tag: "Open",
    generation: generation + 1,
    until: now + Duration.toMillis(policy.openFor)
  }
  switch (circuit._tag) {
    case "Open":
      return circuit
    case "Closed": {
      if (outcome === "Abandoned") return circuit
      const failures = outcome === "Failed" ? circuit.failures + 1 : 0
      return failures >= policy.failuresMax ? open : { ...circuit, failures }
    }
    case "HalfOpen": {
      if (outcome === "Failed") return open
      const successes = circuit.successes + (outcome === "Succeeded" ? 1 : 0)
      return successes >= policy.successesNeeded
        ? { _tag: "Closed", generation: generation + 1, failures: 0 }
        : { ...circuit, successes, isTrying: false }
    }
  }
}

/**
 * The dependency has shown by itself that it is there, as by taking a connection: an open circuit
 * tries it from `now` on instead of waiting for its time.
 */
export const seen = (circuit: Circuit, now: number): Circuit =>
  circuit._tag === "Open" ? { ...circuit, until: Math.min(circuit.until, now) } : circuit
