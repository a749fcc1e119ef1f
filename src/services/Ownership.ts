/**
 * Ownership: which pod has which partition, and how a pod reaches the one that has another.
 *
 * A partition has one owner at a time, as far as anybody can tell; what makes sure of that is the
 * epoch that the log checks with every commit, not this.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/** The owner of a partition has as many requests as it takes. Remedy: ask again later. */
export class OwnerBusy extends Schema.TaggedError<OwnerBusy>()("OwnerBusy", {
  partition: Schema.Int
}) {}

/** The owners of partitions, the other pods among them. */
export class Ownership extends Context.Service<Ownership, {
  /** The name of this pod, which no other has. */
  readonly pod: string
  /**
   * Becomes a pod among others. `own` runs for each partition while this pod has it, and ends by
   * being interrupted: another pod gets the partition only after that. `answer` replies to what
   * other pods ask; it must not fail.
   */
  readonly join: (
    own: (partition: number) => Effect.Effect<never>,
    answer: (request: Uint8Array) => Effect.Effect<Uint8Array>
  ) => Effect.Effect<void, never, Scope.Scope>
  /** Leaves the other pods, which get all that this one has. What it calls ends by then. */
  readonly leave: Effect.Effect<void>
  /**
   * Asks the pod that has a partition, this one included. Waits while nobody has it, so give it a
   * time limit; may ask twice, the second time another pod. What `isWaiting` may take its time.
   */
  readonly ask: (
    partition: number,
    request: Uint8Array,
    isWaiting?: boolean
  ) => Effect.Effect<Uint8Array, OwnerBusy>
}>()("codefactory/services/Ownership") {}
