/**
 * Operating over pods: what is asked about messages, dead letters and parked deliveries.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { DeadLetter } from "../../domain/DeadLetter.ts"
import { partitionOfId } from "../../domain/MessageId.ts"
import type { PodState } from "../../domain/Pod.ts"
import { partitionOfNumber } from "../../domain/Position.ts"
import type { Snapshot } from "../../domain/Snapshot.ts"
import type { MessageBus } from "../../services/MessageBus.ts"
import type { MessageLog } from "../../services/MessageLog.ts"
import type { MessageStatus } from "../../services/MessageStatus.ts"
import type { ShardChange } from "../../services/ShardChange.ts"
import { edited, unexpected } from "./Narrowing.ts"
import type { Peers } from "./Peers.ts"
import { asking, summed } from "./Summing.ts"
import { valueOf } from "./Wire.ts"

/** How long pods are looked for; those that were found by then are taken for all. */
const findWithin = Duration.seconds(3)

type Bus = MessageBus["Service"]

/** The part of a bus that operators use. Dead letters are listed from the log that pods share. */
export const administration = (
  bus: Bus,
  { owns }: MessageLog["Service"],
  peers: Peers
): Pick<Bus, "deleteDeadLetters" | "editDeadLetter" | "parked" | "replay" | "status"> => {
  return {
    status: (id) => {
      const partition = partitionOfId(id)
      if (owns(partition)) return bus.status(id)
      return peers.ask(partition, { kind: "status", id }).pipe(
        Effect.mapBoth({
          onFailure: unexpected,
          onSuccess: (said) => Option.fromUndefinedOr(valueOf<MessageStatus | undefined>(said))
        })
      )
    },
    editDeadLetter: (id, payload) =>
      owns(partitionOfNumber(id))
        ? bus.editDeadLetter(id, payload)
        : peers.ask(partitionOfNumber(id), { kind: "edit", id, payload }).pipe(
          Effect.mapBoth({
            onFailure: edited,
            onSuccess: (said) => valueOf<DeadLetter>(said)
          })
        ),
    ...summed(bus, asking(peers))
  }
}

/** This pod first, then the others; one that does not answer is shown without its state. */
export const podsOver = (bus: Bus, peers: Peers): Bus["pods"] =>
  Effect.gen(function*() {
    const there = yield* Effect.forEach(
      (yield* found(peers)).toSorted(),
      (pod) =>
        peers.askPod(pod, { kind: "snapshot" }).pipe(
          Effect.map((said): PodState => ({
            pod,
            snapshot: said === undefined ? undefined : valueOf<Snapshot>(said)
          })),
          Effect.catch(({ message }) =>
            Effect.succeed({ pod, snapshot: undefined, detail: message })
          )
        ),
      { concurrency: "unbounded" }
    )
    return [...yield* bus.pods, ...there]
  })

/** Tells the other pods of a change of shards; one that cannot follow stays as it is. */
export const toldOf = (peers: Peers, change: ShardChange): Effect.Effect<void> =>
  Effect.flatMap(found(peers), (pods) =>
    Effect.forEach(
      pods,
      (pod) =>
        Effect.catch(
          peers.askPod(pod, { kind: "shards", change }),
          ({ message }) => Effect.logWarning(`the shards of ${pod} stay as they are: ${message}`)
        ),
      { concurrency: "unbounded", discard: true }
    ))

/** The other pods that have partitions now: one may have taken some that nobody here heard of. */
const found = (peers: Peers): Effect.Effect<ReadonlyArray<string>> =>
  peers.gather({ kind: "hello" }).pipe(
    Effect.timeoutOption(findWithin),
    Effect.ignore,
    Effect.andThen(Effect.sync(() => [...peers.pods.keys()]))
  )
