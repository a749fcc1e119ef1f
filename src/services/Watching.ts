/**
 * What watches over a bus sees of it, and keeps for those who ask why: cheap to ask at any time.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { DecisionMade } from "../domain/Decision.ts"
import type { ShardSnapshot } from "../domain/Snapshot.ts"

/** The watching of a bus. */
export interface Watching {
  /** The shards now: of the snapshot what changes by the second. */
  readonly shards: () => ReadonlyArray<ShardSnapshot>
  /** Tells of every gate of a shard that closes, at once, until the scope closes. */
  readonly onGateClosed: (
    listener: (shard: number) => void
  ) => Effect.Effect<void, never, Scope.Scope>
  /** Keeps a decision that was made about the bus, with its own. */
  readonly decide: (decision: DecisionMade) => void
}
