/**
 * Pulling over pods: each hands out what it has.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type LeasedDelivery, type MessageBus, pullMax } from "../../services/MessageBus.ts"
import type { Tenure } from "../../services/Tenure.ts"
import { waitMax } from "./Host.ts"
import { askTimeout } from "./Peers.ts"
import { type Ask, type Refused, type Said, valueOf } from "./Wire.ts"

/** A pod that takes longer hands out nothing this time. */
const pullTimeout = Duration.seconds(2)

/** Wait before a pod is waited for again that did not answer. */
const againAfter = Duration.millis(100)

/** Subscriptions and pods of which it is remembered how often they were woken. */
const wakesMax = 20_000

/** The other pods, as a pull needs them; `P` stands for one of them. */
export interface Others<P> {
  /** Those that are known. */
  readonly known: ReadonlyArray<P>
  /** The name of one. */
  readonly ownerOf: (place: P) => string | undefined
  readonly ask: (place: P, ask: Ask, timeout?: Duration.Duration) => Effect.Effect<Said, Refused>
  /** Ends once others are known than at this call. */
  readonly changed: () => Effect.Effect<void>
}

/** What pulling takes. */
export interface PullingOptions<P> {
  /** Pulls what this pod has. */
  readonly pull: Bus["pull"]
  readonly tenure: Pick<Tenure["Service"], "wakes" | "woken">
  readonly others: Others<P>
}

type Bus = MessageBus["Service"]

/** Pulls from all pods. */
export class Pulling<P> {
  private readonly options: PullingOptions<P>
  /** By subscription and pod: how often that was woken when last heard of. */
  private readonly wakes = new Map<string, number>()
  /** One wait for all pulls of a subscription at a pod. */
  private readonly waits = new Map<string, Deferred.Deferred<void>>()
  /** Which pod is asked first, in turn. */
  private turn = 0

  constructor(options: PullingOptions<P>) {
    this.options = options
  }

  readonly pull: Bus["pull"] = (name, max, waitMs) =>
    Effect.gen({ self: this }, function*() {
      const { others, tenure } = this.options
      const until = (yield* Clock.currentTimeMillis) + Math.min(waitMs, pullMax.waitMs)
      while (true) { // Until there is something, or the time is over.
        const own = tenure.wakes(name)
        const changed = others.changed()
        const known = others.known
        const taken = yield* this.around(name, Math.min(max, pullMax.count), known)
        const left = until - (yield* Clock.currentTimeMillis)
        if (taken.length > 0 || left <= 0) return taken
        const woken = [
          tenure.woken(name, own),
          changed,
          ...known.map((one) => this.wokenAt(one, name))
        ]
        yield* Effect.timeoutOption(Effect.raceAllFirst(woken), left)
      }
    })

  /** Asks every pod for its share; where there are more pods than wanted, one group at a time. */
  private around(
    name: string,
    max: number,
    known: ReadonlyArray<P>
  ): Effect.Effect<ReadonlyArray<LeasedDelivery>, Effect.Error<ReturnType<Bus["pull"]>>> {
    return Effect.gen({ self: this }, function*() {
      const places = rotated([undefined, ...known], this.turn++)
      const taken: Array<LeasedDelivery> = []
      let asked = 0 // Places that were asked, in groups.
      while (asked < places.length && taken.length < max) {
        const wanted = max - taken.length
        const group = places.slice(asked, asked + wanted)
        const found = yield* Effect.forEach(group, (place, at) => {
          const share = Math.ceil((wanted - at) / group.length)
          return place === undefined
            ? this.options.pull(name, share, 0)
            : this.pullFrom(place, name, share)
        }, { concurrency: "unbounded" })
        taken.push(...found.flat())
        asked += group.length
      }
      return taken
    })
  }

  private pullFrom(
    place: P,
    name: string,
    max: number
  ): Effect.Effect<ReadonlyArray<LeasedDelivery>> {
    return this.options.others.ask(place, { kind: "pull", name, max }, pullTimeout).pipe(
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

  /** Ends once a pod may have something; waits that nobody needs end by time. */
  private wokenAt(place: P, name: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { others } = this.options
      const key = `${others.ownerOf(place)}/${name}`
      const running = this.waits.get(key)
      if (running !== undefined) return Deferred.await(running)
      const wait = Deferred.makeUnsafe<void>()
      this.waits.set(key, wait)
      const ask: Ask = { kind: "wait", name, since: this.wakes.get(key) ?? 0 }
      const asked = others.ask(place, ask, Duration.sum(waitMax, askTimeout)).pipe(
        Effect.catch(() => Effect.sleep(againAfter)),
        Effect.ensuring(Effect.sync(() => {
          this.waits.delete(key)
          Deferred.doneUnsafe(wait, Effect.void)
        }))
      )
      return Effect.andThen(Effect.forkDetach(asked), Deferred.await(wait))
    })
  }
}

/** The same, beginning elsewhere. */
const rotated = <A>(all: ReadonlyArray<A>, by: number): ReadonlyArray<A> => {
  const from = by % all.length
  return [...all.slice(from), ...all.slice(0, from)]
}

interface Pulled {
  readonly deliveries: ReadonlyArray<LeasedDelivery>
  readonly wakes: number
}
