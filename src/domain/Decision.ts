/**
 * Decisions: why the bus did something by itself, with all that it looked at.
 *
 * A refusal, a gate that closed, a scale step, a breaker that opened: what an operator asks about
 * afterwards. Kept in memory, the newest ones.
 */

/** What a decision rests on. Numbers carry their unit in the name. */
export type DecisionInputs = Readonly<Record<string, number | string>>

/** One decision as it is made. */
export interface DecisionMade {
  /** Which rule's family it is, such as `gate`, `resize` or `refusal`. */
  readonly kind: string
  /** What it is about, such as `shard 3`. */
  readonly subject: string
  /** The rule in words that hold for every decision of its kind. */
  readonly rule: string
  readonly inputs: DecisionInputs
  readonly outcome: string
}

/** A kept decision. `at` is Unix milliseconds; ids ascend by one. */
export interface Decision extends DecisionMade {
  readonly id: number
  readonly at: number
  /** Sampled ones of its kind and subject that were made, and not kept, since the one before it. */
  readonly skipped: number
}

/** Which decisions to look at; all when empty. */
export interface DecisionFilter {
  readonly kind?: string
  readonly subject?: string
}
