/**
 * Peers: the other pods as this one knows them, by what they said last.
 *
 * A request names a partition and reaches whoever has that, so what is known here may be out of
 * date: then the reply says what is true, and the asker goes on with that.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { allPartitions } from "../../domain/Position.ts"
import { LogUnavailable } from "../../services/MessageLog.ts"
import type { Ownership } from "../../services/Ownership.ts"
import type { PodCounts } from "../observe/PodCounts.ts"
import {
  type Ask,
  decodeError,
  fromBytes,
  isWaiting,
  type Refused,
  type Said,
  toBytes
} from "./Wire.ts"

/** Longest time of one request that is answered at once. */
export const askTimeout = Duration.seconds(5)

/** How long all pods together are waited for, as when one was lost: its expiry and some more. */
const gatherTimeout = Duration.seconds(15)

/** Wait before somebody is asked again. */
const againAfter = Duration.millis(100)

/** How often a pod is asked for by what it was said to have. */
const triesMax = 5

/** No pod answers for a partition now. */
export const unowned = (partition: number): LogUnavailable =>
  new LogUnavailable({
    reason: "Io",
    detail: `no pod has answered for partition ${partition} in time; it will be taken over`
  })

const busy = (partition: number): LogUnavailable =>
  new LogUnavailable({
    reason: "Io",
    detail: `the pod that has partition ${partition} has as many requests as it takes`
  })

/** Who has which partition, and how they are asked. */
export class Peers {
  private readonly owners = new Map<number, string>()
  private change = Deferred.makeUnsafe<void>()
  private readonly ownership: Ownership["Service"]
  private readonly counts: PodCounts
  readonly ownsHere: (partition: number) => boolean

  constructor(
    ownership: Ownership["Service"],
    counts: PodCounts,
    ownsHere: (partition: number) => boolean
  ) {
    this.counts = counts
    this.ownership = ownership
    this.ownsHere = ownsHere
  }

  /** The pod that had a partition when last heard of. */
  readonly ownerOf = (partition: number): string | undefined => this.owners.get(partition)

  /** One partition of each pod among these, and each one whose pod is not known. */
  representatives(partitions: Iterable<number>): ReadonlyArray<number> {
    const found = new Map<string, number>()
    for (const partition of partitions) {
      const owner = this.owners.get(partition) ?? `partition ${partition}`
      if (!found.has(owner)) found.set(owner, partition)
    }
    return [...found.values()]
  }

  /** One partition of each other pod that is known. */
  get known(): ReadonlyArray<number> {
    return this.representatives(
      elsewhere(this).filter((partition) => this.owners.has(partition))
    )
  }

  /** The other pods, each with one of its partitions. */
  get pods(): ReadonlyMap<string, number> {
    return new Map(this.known.map((partition) => [this.owners.get(partition) ?? "", partition]))
  }

  /** Whether somebody is known for each partition. */
  get isComplete(): boolean {
    return elsewhere(this).every((partition) => this.owners.has(partition))
  }

  /** Asks the pod that has a partition. */
  ask(partition: number, ask: Ask, timeout = askTimeout): Effect.Effect<Said, Refused> {
    return this.ownership.ask(partition, toBytes(ask), isWaiting(ask)).pipe(
      Effect.mapError(() => busy(partition)),
      Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(unowned(partition)) }),
      Effect.flatMap((bytes) => {
        const said = fromBytes<Said>(bytes)
        this.learn(said)
        return said.error === undefined
          ? Effect.succeed(said)
          : Effect.fail(decodeError(said.error))
      })
    )
  }

  /**
   * Asks a pod by what it was said to have, which may move meanwhile; `undefined` when it is not
   * known, or has left.
   */
  askPod(pod: string, ask: Ask, timeout = askTimeout): Effect.Effect<Said | undefined, Refused> {
    return Effect.gen({ self: this }, function*() {
      for (let tries = 0; tries < triesMax; tries++) { // Mostly once.
        const partition = this.pods.get(pod)
        if (partition === undefined) return undefined
        const said = yield* this.ask(partition, ask, timeout)
        if (said.pod === pod) return said
      }
      return undefined
    })
  }

  /** Ends once another pod than at this call is known to have some partition. */
  changed(): Effect.Effect<void> {
    return Deferred.await(this.change)
  }

  private learn({ owned, pod }: Said): void { // Hot: with every reply.
    if (pod === this.ownership.pod) return // Asked for what it has just taken over.
    const had = [...this.owners.values()].filter((owner) => owner === pod).length
    if (had === owned.length && owned.every((one) => this.owners.get(one) === pod)) return
    for (const [partition, owner] of this.owners) {
      if (owner === pod) this.owners.delete(partition)
    }
    for (const partition of owned) this.owners.set(partition, pod)
    this.counts.peers = new Set(this.owners.values()).size
    const { change } = this
    this.change = Deferred.makeUnsafe()
    Deferred.doneUnsafe(change, Effect.void) // Last: who waits goes on within this call.
  }

  /** Asks until every partition that is not here was answered for; a pod may be asked twice. */
  gather(ask: Ask): Effect.Effect<ReadonlyArray<Said>, Refused> {
    return Effect.gen({ self: this }, function*() {
      const until = (yield* Clock.currentTimeMillis) + Duration.toMillis(gatherTimeout)
      const heard: Array<Said> = []
      const left = new Set(elsewhere(this))
      while (true) { // Until all are heard, or too late.
        for (const partition of [...left]) if (this.ownsHere(partition)) left.delete(partition)
        const [first] = left
        if (first === undefined) return heard
        if ((yield* Clock.currentTimeMillis) > until) return yield* unowned(first)
        const before = left.size
        const said = yield* Effect.forEach(
          this.representatives(left),
          (partition) => this.ask(partition, ask, gatherTimeout),
          { concurrency: "unbounded" }
        )
        for (const one of said) {
          heard.push(one)
          for (const partition of one.owned) left.delete(partition)
        }
        if (left.size === before) yield* Effect.sleep(againAfter)
      }
    })
  }
}

const elsewhere = ({ ownsHere }: Peers): ReadonlyArray<number> =>
  allPartitions.filter((partition) => !ownsHere(partition))
