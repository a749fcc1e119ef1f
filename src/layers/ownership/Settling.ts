/**
 * Settling over pods: deliveries go back to the pod that has the partition of their ack ids.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as AckId from "../../domain/AckId.ts"
import type { Settled } from "../../services/MessageBus.ts"
import type { MessageLog } from "../../services/MessageLog.ts"
import type { Peers } from "./Peers.ts"
import { type Ask, type Refused, valueOf } from "./Wire.ts"

/** How long ack ids are sent after partitions that move. */
const patienceMs = 5_000

/** Wait before they are sent again. */
const againAfter = Duration.millis(100)

/** Settles deliveries that any pod has handed out. */
export class Settling {
  private readonly peers: Peers
  private readonly log: MessageLog["Service"]

  constructor(peers: Peers, log: MessageLog["Service"]) {
    this.peers = peers
    this.log = log
  }

  /** Settles at the pods that have the partitions of the ack ids. */
  settle<E extends Refused>(
    ask: Extract<Ask, { kind: "ack" | "nack" | "extend" }>,
    here: (ackIds: ReadonlyArray<string>) => Effect.Effect<Settled, E>
  ): Effect.Effect<Settled, E | Refused> {
    return Effect.gen({ self: this }, function*() {
      const until = (yield* Clock.currentTimeMillis) + patienceMs
      const unknown: Array<string> = []
      let done = 0 // What was done, and what is left to do, over the tries.
      let left: ReadonlyArray<string> = ask.ackIds
      while (true) { // Mostly once.
        const { pods } = this.peers
        const parts = [...Map.groupBy(left, (id) => this.placeOf(id, pods))]
        const settled = yield* Effect.forEach(
          parts,
          ([place, ackIds]): Effect.Effect<Elsewhere, E | Refused> =>
            place === here_
              ? Effect.map(here(ackIds), (result) => ({ ...result, elsewhere: [] }))
              : Effect.map(
                this.peers.ask(place, { ...ask, ackIds }),
                (said) => valueOf<Elsewhere>(said)
              ),
          { concurrency: "unbounded" }
        )
        for (const result of settled) {
          done += result.done
          unknown.push(...result.unknown)
        }
        left = settled.flatMap(({ elsewhere }) => elsewhere)
        if (left.length === 0) return { done, unknown }
        if ((yield* Clock.currentTimeMillis) > until) {
          return { done, unknown: [...unknown, ...left] }
        }
        yield* Effect.sleep(againAfter)
      }
    })
  }

  /** A partition of the pod that has the one of an ack id; what is none is told of here. */
  private placeOf(text: string, pods: ReadonlyMap<string, number>): number {
    const id = AckId.parse(text)
    if (id === undefined) return here_
    const partition = AckId.partitionOf(id)
    if (this.log.owns(partition)) return here_
    return pods.get(this.peers.ownerOf(partition) ?? "") ?? partition
  }
}

/** Stands for this pod. */
const here_ = -1

interface Elsewhere extends Settled {
  readonly elsewhere: ReadonlyArray<string>
}
