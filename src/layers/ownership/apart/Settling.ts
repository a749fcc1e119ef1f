/**
 * Settling over pods with logs of their own: deliveries go back to the pod that handed them out.
 */
import * as Effect from "effect/Effect"
import type { Settled } from "../../../services/MessageBus.ts"
import { type Refused, valueOf } from "../Wire.ts"
import type { ApartAsk } from "./ApartAsk.ts"
import { labelOf, partsOf } from "./Labels.ts"
import type { PodPeers } from "./PodPeers.ts"

/** A request that settles. */
export type Settle = Extract<ApartAsk, { readonly kind: "ack" | "nack" | "extend" }>

/** Settles at the pods that the ack ids name; of pods that are not there, they are unknown. */
export const settling = (own: string, peers: PodPeers) =>
<E extends Refused>(
  ask: Settle,
  here: (ackIds: ReadonlyArray<string>) => Effect.Effect<Settled, E>
): Effect.Effect<Settled, E | Refused> =>
  Effect.gen(function*() {
    const parts = ask.ackIds.map((label) => ({ label, pod: "", ackId: label, ...partsOf(label) }))
    const byPod = [...Map.groupBy(parts, ({ pod }) => pod)]
    const all = yield* Effect.forEach(
      byPod,
      ([pod, group]): Effect.Effect<Settled, E | Refused> => {
        const ackIds = group.map(({ ackId }) => ackId)
        const settled = pod === own
          ? here(ackIds)
          : peers.has(pod)
          ? Effect.map(peers.ask(pod, { ...ask, ackIds }), (said) => valueOf<Settled>(said))
          : undefined
        return settled === undefined
          ? Effect.succeed({ done: 0, unknown: group.map(({ label }) => label) })
          : Effect.map(settled, ({ done, unknown }) => ({
            done,
            unknown: unknown.map((ackId) => labelOf(pod, ackId))
          }))
      },
      { concurrency: "unbounded" }
    )
    return {
      done: all.reduce((sum, { done }) => sum + done, 0),
      unknown: all.flatMap(({ unknown }) => unknown)
    }
  })
