/**
 * What watches over a bus sees of it, and keeps for those who ask why: cheap to ask at any time.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Decision, DecisionMade } from "../domain/Decision.ts"
import type { ShardSnapshot } from "../domain/Snapshot.ts"

/** How a bus is, beside its shards. Counts are totals since the start. */
export interface Vitals {
  /** Fibres of the bus that a bug has ended. */
  readonly fibreRestarts: number
  /** Runs of handlers, and those that failed. */
  readonly runs: number
  readonly errors: number
  /** Why the log takes nothing now. */
  readonly logFailure: string | undefined
}

/** The watching of a bus. */
export interface Watching {
  /** The shards now: of the snapshot what changes by the second. */
  readonly shards: () => ReadonlyArray<ShardSnapshot>
  readonly vitals: () => Vitals
  /**
   * Gives a shard as many new workers as it has. Those that it had end with the message they have;
   * one that never comes back holds nothing up but that message and its key.
   */
  readonly restaff: (shard: number) => Effect.Effect<void>
  /** Tells of every gate of a shard that closes, at once, until the scope closes. */
  readonly onGateClosed: (
    listener: (shard: number) => void
  ) => Effect.Effect<void, never, Scope.Scope>
  /** Tells of every decision that is kept, at once, until the scope closes. */
  readonly onDecision: (
    listener: (decision: Decision) => void
  ) => Effect.Effect<void, never, Scope.Scope>
  /** Keeps a decision that was made about the bus, with its own. */
  readonly decide: (decision: DecisionMade) => void
}
