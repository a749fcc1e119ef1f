/**
 * Operating over pods: what is asked about messages, dead letters and parked deliveries.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { DeadLetter } from "../../domain/DeadLetter.ts"
import { partitionOfId } from "../../domain/MessageId.ts"
import { partitionOfNumber } from "../../domain/Position.ts"
import type { MessageBus, Replayed } from "../../services/MessageBus.ts"
import type { MessageLog } from "../../services/MessageLog.ts"
import type { MessageStatus } from "../../services/MessageStatus.ts"
import type { ParkedDelivery } from "../../services/Parked.ts"
import { operated, unexpected } from "./Narrowing.ts"
import type { Peers } from "./Peers.ts"
import { type Ask, valueOf } from "./Wire.ts"

type Bus = MessageBus["Service"]

/** The part of a bus that operators use. Dead letters are listed from the log that pods share. */
export const administration = (
  bus: Bus,
  { owns }: MessageLog["Service"],
  peers: Peers
): Pick<Bus, "deleteDeadLetters" | "editDeadLetter" | "parked" | "replay" | "status"> => {
  const others = asking(peers)
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
            onFailure: (error) =>
              error._tag === "DeadLetterUnknown" || error._tag === "PayloadTooLarge" ||
                error._tag === "BusClosed"
                ? error
                : unexpected(error),
            onSuccess: (said) => valueOf<DeadLetter>(said)
          })
        ),
    deleteDeadLetters: (filter) =>
      Effect.gen(function*() {
        const there = yield* others<number>({ kind: "deleteLetters", filter })
        return there.reduce((sum, count) => sum + count, yield* bus.deleteDeadLetters(filter))
      }),
    replay: (filter, dryRun) =>
      Effect.gen(function*() {
        const there = yield* others<Replayed>({ kind: "replay", filter, dryRun })
        const all = [yield* bus.replay(filter, dryRun), ...there]
        return {
          replayed: all.reduce((sum, { replayed }) => sum + replayed, 0),
          failed: all.reduce((sum, { failed }) => sum + failed, 0),
          remaining: all.reduce((sum, { remaining }) => sum + remaining, 0)
        }
      }),
    parked: parkedOver(bus, others)
  }
}

/** What all other pods say. */
const asking = (peers: Peers) => <A>(ask: Ask) =>
  Effect.map(operated(peers.gather(ask)), (all) => all.map((said) => valueOf<A>(said)))

const parkedOver = (bus: Bus, others: ReturnType<typeof asking>): Bus["parked"] => ({
  list: (filter, after, limit) =>
    Effect.gen(function*() {
      const there = yield* Effect.orElseSucceed(
        others<ReadonlyArray<ParkedDelivery>>({ kind: "parked", filter, after, limit }),
        () => []
      )
      const all = [...yield* bus.parked.list(filter, after, limit), ...there.flat()]
      return all.toSorted((a, b) => a.id - b.id).slice(0, limit)
    }),
  release: (filter) =>
    Effect.gen(function*() {
      const there = yield* others<{ readonly released: number }>({ kind: "release", filter })
      const { released } = yield* bus.parked.release(filter)
      return { released: there.reduce((sum, one) => sum + one.released, released) }
    }),
  drop: (filter) =>
    Effect.gen(function*() {
      const there = yield* others<{ readonly dropped: number }>({ kind: "drop", filter })
      const { dropped } = yield* bus.parked.drop(filter)
      return { dropped: there.reduce((sum, one) => sum + one.dropped, dropped) }
    })
})
