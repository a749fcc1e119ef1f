/**
 * Numbers of dead letters and parked deliveries that tell whose they are.
 *
 * Each pod numbers its own from the same beginning, so what operators see is that number and the
 * pod's: `number * podsMax + pod`. Both orders are the same within a pod.
 */
import * as Effect from "effect/Effect"
import { DeadLetterUnknown } from "../../../domain/DeadLetter.ts"
import type { MessageBus } from "../../../services/MessageBus.ts"

/** Most pods that ever were, by their names. */
export const podsMax = 1_024

/** What all pods call a number of one of them. */
export const globalOf = (number: number, pod: number): number => number * podsMax + pod

/** The pod that a number is of. */
export const podOf = (global: number): number => global % podsMax

/** The number that the pod itself knows. */
const localOf = (global: number): number => Math.floor(global / podsMax)

/** The greatest number of a pod that comes no later than a global one. */
const localAfter = (after: number, pod: number): number => Math.floor((after - pod) / podsMax)

/** What is called by number at a bus. */
export type Numbered = Pick<
  MessageBus["Service"],
  "deadLetters" | "deleteDeadLetters" | "editDeadLetter" | "parked" | "replay"
>

/** A filter that may name what is meant. */
interface Named {
  readonly ids?: ReadonlyArray<number> | undefined
}

/** The bus of a pod, which knows its rows by the numbers that all pods call them. */
export const numbered = (bus: Numbered, pod: () => number): Numbered => {
  /** What the filter means here; of other pods' numbers there is nothing. */
  const own = <F extends Named>(filter: F): F =>
    filter.ids === undefined
      ? filter
      : { ...filter, ids: filter.ids.filter((id) => podOf(id) === pod()).map(localOf) }
  const named = <A extends { readonly id: number }>(all: ReadonlyArray<A>): ReadonlyArray<A> =>
    all.map((one) => ({ ...one, id: globalOf(one.id, pod()) }))
  return {
    deadLetters: (filter, after, limit) =>
      Effect.map(bus.deadLetters(own(filter), localAfter(after, pod()), limit), named),
    editDeadLetter: (id, payload) =>
      podOf(id) === pod()
        ? Effect.map(bus.editDeadLetter(localOf(id), payload), (letter) => ({ ...letter, id }))
        : Effect.fail(new DeadLetterUnknown({ id: String(id) })),
    deleteDeadLetters: (filter) => bus.deleteDeadLetters(own(filter)),
    replay: (filter, dryRun) => bus.replay(own(filter), dryRun),
    parked: {
      list: (filter, after, limit) =>
        Effect.map(bus.parked.list(own(filter), localAfter(after, pod()), limit), named),
      release: (filter) => bus.parked.release(own(filter)),
      drop: (filter) => bus.parked.drop(own(filter))
    }
  }
}
