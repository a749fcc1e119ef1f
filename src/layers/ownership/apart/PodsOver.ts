/**
 * All pods as operators see them: what each says of itself, and its live state.
 */
import * as Effect from "effect/Effect"
import type { PodState } from "../../../domain/Pod.ts"
import type { Snapshot } from "../../../domain/Snapshot.ts"
import type { MessageBus } from "../../../services/MessageBus.ts"
import { valueOf } from "../Wire.ts"
import type { PodPeers } from "./PodPeers.ts"
import type { Registered, Registry } from "./Registry.ts"

/** This pod first, then the others by name; one that does not answer is shown without its state. */
export const podsOver = (
  { pods }: MessageBus["Service"],
  peers: PodPeers,
  registry: Registry
): MessageBus["Service"]["pods"] =>
  Effect.gen(function*() {
    const there = yield* Effect.forEach(
      registry.others.toSorted((a, b) => a.pod < b.pod ? -1 : 1),
      (one) => stateOf(peers, one),
      { concurrency: "unbounded" }
    )
    const { own } = registry
    const here = own === undefined ? {} : shown({ ...own, seenMs: 0 })
    return [...(yield* pods).map((one) => ({ ...one, ...here })), ...there]
  })

const stateOf = (peers: PodPeers, one: Registered): Effect.Effect<PodState> =>
  peers.ask(one.pod, { kind: "snapshot" }).pipe(
    Effect.map((said): Pick<PodState, "detail" | "snapshot"> => ({
      snapshot: valueOf<Snapshot>(said)
    })),
    Effect.catch(({ message }) => Effect.succeed({ snapshot: undefined, detail: message })),
    Effect.map((state) => ({ ...shown(one), ...state }))
  )

const shown = ({ pod, seenMs, startedAt, url, version }: Registered) => ({
  pod,
  address: url,
  version,
  startedAt,
  seenMs
})
