/**
 * Pulling over pods: each hands out what its partitions have, and takes back what it handed out.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as AckId from "../../domain/AckId.ts"
import {
  type LeasedDelivery,
  type MessageBus,
  pullMax,
  type Settled
} from "../../services/MessageBus.ts"
import type { MessageLog } from "../../services/MessageLog.ts"
import type { Tenure } from "../../services/Tenure.ts"
import { waitMax } from "./Host.ts"
import { askTimeout, type Peers } from "./Peers.ts"
import { type Ask, type Refused, valueOf } from "./Wire.ts"

/** A pod that takes longer hands out nothing this time. */
const pullTimeout = Duration.seconds(2)

/** How long ack ids are sent after partitions that move. */
const patienceMs = 5_000

/** Wait before they are sent again. */
const againAfter = Duration.millis(100)

/** Subscriptions and pods of which it is remembered how often they were woken. */
const wakesMax = 20_000

type Bus = MessageBus["Service"]

/** Pulls and settles over all pods. */
export class Pulling {
  private readonly bus: Bus
  private readonly tenure: Tenure["Service"]
  private readonly peers: Peers
  private readonly log: MessageLog["Service"]
  /** By subscription and pod: how often that was woken when last heard of. */
  private readonly wakes = new Map<string, number>()
  /** One wait for all pulls of a subscription at a pod. */
  private readonly waits = new Map<string, Deferred.Deferred<void>>()

  constructor(
    bus: Bus,
    tenure: Tenure["Service"],
    peers: Peers,
    log: MessageLog["Service"]
  ) {
    this.bus = bus
    this.tenure = tenure
    this.peers = peers
    this.log = log
  }

  readonly pull: Bus["pull"] = (name, max, waitMs) =>
    Effect.gen({ self: this }, function*() {
      const until = (yield* Clock.currentTimeMillis) + Math.min(waitMs, pullMax.waitMs)
      while (true) { // Until there is something, or the time is over.
        const own = this.tenure.wakes(name)
        const changed = this.peers.changed()
        const others = this.peers.known
        const share = Math.ceil(Math.min(max, pullMax.count) / (others.length + 1))
        const here = yield* this.bus.pull(name, share, 0)
        const there = yield* Effect.forEach(others, (one) => this.pullFrom(one, name, share), {
          concurrency: "unbounded"
        })
        const taken = [...here, ...there.flat()]
        const left = until - (yield* Clock.currentTimeMillis)
        if (taken.length > 0 || left <= 0) return taken
        const woken = [
          this.tenure.woken(name, own),
          changed,
          ...others.map((one) => this.wokenAt(one, name))
        ]
        yield* Effect.timeoutOption(Effect.raceAllFirst(woken), left)
      }
    })

  private pullFrom(
    partition: number,
    name: string,
    max: number
  ): Effect.Effect<ReadonlyArray<LeasedDelivery>> {
    return this.peers.ask(partition, { kind: "pull", name, max }, pullTimeout).pipe(
      Effect.map((said) => {
        const { deliveries, wakes } = valueOf<Pulled>(said)
        // Pods come and go; what is forgotten only makes a wait end at once.
        if (this.wakes.size >= wakesMax) this.wakes.clear()
        this.wakes.set(`${said.pod}/${name}`, wakes)
        return deliveries
      }),
      Effect.catch((refused) =>
        Effect.as(Effect.logDebug(`a pod hands out nothing: ${refused.message}`), [])
      )
    )
  }

  /** Ends once the pod of a partition may have something; waits that nobody needs end by time. */
  private wokenAt(partition: number, name: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const pod = this.peers.ownerOf(partition)
      const key = `${pod}/${name}`
      const running = this.waits.get(key)
      if (running !== undefined) return Deferred.await(running)
      const wait = Deferred.makeUnsafe<void>()
      this.waits.set(key, wait)
      const ask: Ask = { kind: "wait", name, since: this.wakes.get(key) ?? 0 }
      const asked = this.peers.ask(partition, ask, Duration.sum(waitMax, askTimeout)).pipe(
        Effect.catch(() => Effect.sleep(againAfter)),
        Effect.ensuring(Effect.sync(() => {
          this.waits.delete(key)
          Deferred.doneUnsafe(wait, Effect.void)
        }))
      )
      return Effect.andThen(Effect.forkDetach(asked), Deferred.await(wait))
    })
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

interface Pulled {
  readonly deliveries: ReadonlyArray<LeasedDelivery>
  readonly wakes: number
}

interface Elsewhere extends Settled {
  readonly elsewhere: ReadonlyArray<string>
}
