/**
 * Operating over pods with logs of their own: what all of them have, seen and changed from any.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { type DeadLetter, DeadLetterUnknown } from "../../../domain/DeadLetter.ts"
import type { MessageBus } from "../../../services/MessageBus.ts"
import type { MessageStatus } from "../../../services/MessageStatus.ts"
import { edited, unexpected } from "../Narrowing.ts"
import { asking, summed } from "../Summing.ts"
import { valueOf } from "../Wire.ts"
import type { ApartAsk } from "./ApartAsk.ts"
import type { PodPeers } from "./PodPeers.ts"

type Bus = MessageBus["Service"]

/** The part of a bus that operators use; `bus` calls its rows by the numbers of all pods. */
export const administration = (
  bus: Bus,
  peers: PodPeers
): Pick<
  Bus,
  "deadLetters" | "deleteDeadLetters" | "editDeadLetter" | "parked" | "replay" | "status"
> => {
  return {
    status: (id) =>
      Effect.gen(function*() {
        const here = yield* bus.status(id)
        if (Option.isSome(here)) return here
        const there = yield* Effect.mapError(peers.gather({ kind: "status", id }), unexpected)
        return Option.fromUndefinedOr(
          there.map((said) => valueOf<MessageStatus | undefined>(said)).find(isThere)
        )
      }),
    deadLetters: (filter, after, limit) =>
      Effect.gen(function*() {
        const ask: ApartAsk = { kind: "letters", filter, after, limit }
        const there = yield* Effect.mapError(peers.gather(ask), unexpected)
        const all = [
          ...yield* bus.deadLetters(filter, after, limit),
          ...there.flatMap((said) => valueOf<ReadonlyArray<DeadLetter>>(said))
        ]
        return all.toSorted((a, b) => a.id - b.id).slice(0, limit)
      }),
    editDeadLetter: (id, payload) =>
      Effect.catchTag(
        bus.editDeadLetter(id, payload),
        "DeadLetterUnknown",
        () => editedElsewhere(peers, id, payload)
      ),
    ...summed(bus, asking(peers))
  }
}

const isThere = <A>(value: A | undefined): value is A => value !== undefined

/** At the pod that has it, which nobody but that one knows. */
const editedElsewhere = (peers: PodPeers, id: number, payload: string) =>
  Effect.gen(function*() {
    const tried = yield* Effect.forEach(
      peers.known,
      (pod) => Effect.result(peers.ask(pod, { kind: "edit", id, payload })),
      { concurrency: "unbounded" }
    )
    const done = tried.find(Result.isSuccess)
    if (done !== undefined) return valueOf<DeadLetter>(done.success)
    const failures = tried.flatMap((one) => Result.isFailure(one) ? [one.failure] : [])
    const failure = failures.find(({ _tag }) => _tag !== "DeadLetterUnknown") ??
      new DeadLetterUnknown({ id: String(id) })
    return yield* edited(failure)
  })
