/**
 * Showing: tails of any pod see what is published at every pod, over signals.
 *
 * At most once, and only while somebody looks: a pod with tails says so, and others then say what
 * they publish. What is lost on the way is told of as a gap; each pod's own messages are never.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as RcRef from "effect/RcRef"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Message } from "../../../domain/Message.ts"
import type { FedPlace, Listener, TailFeed } from "../../../services/OtherPods.ts"
import type { Signals } from "../../../services/Signals.ts"
import type { Tails } from "../../../services/Tails.ts"
import type { PodPeers } from "./PodPeers.ts"
import type { Registry } from "./Registry.ts"

/** The topic of the signals: a JSON array of messages, or `null` for some that are lost. */
const topic = "shown"

/** How long others go on to be heard after the last tail was closed: one may be opened again. */
const listenOn = Duration.seconds(30)

/** How long a tail waits until all others know of it. It begins without those that are slower. */
const tellWithin = Duration.seconds(2)

/** How often it is looked whether somebody still listens. */
const lookEvery = Duration.seconds(1)

/** What showing takes. */
export interface ShowingOptions {
  readonly pod: string
  readonly feed: TailFeed
  readonly signals: Signals["Service"]
  readonly peers: PodPeers
  readonly registry: Registry
}

/** The showing of one pod. */
export interface Showing {
  /** Hears the other pods until the scope closes, and beyond that for whoever comes next. */
  readonly follow: Effect.Effect<void, never, Scope.Scope>
  /** Whether this pod hears others now. */
  readonly isListening: () => boolean
  /** A pod listens from now on; returns once everything published after that is told to it. */
  readonly heardBy: (pod: string) => Effect.Effect<void>
}

/** The showing of a pod, which ends with the scope. */
export const make = (options: ShowingOptions): Effect.Effect<Showing, never, Scope.Scope> =>
  Effect.gen(function*() {
    const state = { isListening: false }
    const shared = yield* RcRef.make({
      acquire: hearing(options, state),
      idleTimeToLive: listenOn
    })
    const heardBy = yield* telling(options)
    return { follow: RcRef.get(shared), isListening: () => state.isListening, heardBy }
  })

const Shown = Schema.fromJsonString(Schema.NullOr(Schema.Array(Schema.Unknown)))
const decode = Schema.decodeUnknownOption(Shown)

/** Shows the tails of this pod what others say. */
const hearing = (
  { feed, peers, pod, signals }: ShowingOptions,
  state: { isListening: boolean }
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    yield* signals.listen(topic, {
      said: ({ text }) => {
        const said = Option.getOrUndefined(decode(text))
        if (said === null) feed.miss(undefined)
        // Pods trust each other: they are one program, as `Wire.ts` says.
        else (said as ReadonlyArray<Message> | undefined)?.forEach(feed.show)
      },
      // One signal has many messages.
      missed: () => feed.miss(undefined)
    })
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        state.isListening = true
      }),
      () =>
        Effect.sync(() => {
          state.isListening = false
        })
    )
    yield* Effect.timeoutOption(peers.tell({ kind: "listen", pod }), tellWithin)
  })

/** Says what is published here while another pod listens. */
const telling = (options: ShowingOptions) =>
  Effect.gen(function*() {
    const { feed, registry, signals } = options
    /** Pods that said so themselves; the registry says it only later. */
    const told = new Map<string, number>()
    const some = Latch.makeUnsafe(false)
    const begun = { listener: Latch.makeUnsafe(false) }

    const isHeard = (): boolean => {
      const now = performance.now()
      for (const [pod, until] of told) if (until < now) told.delete(pod)
      return told.size > 0 || registry.others.some(({ isListening }) => isListening)
    }

    const tell = Effect.scoped(Effect.gen(function*() {
      const listener = yield* feed.listen
      let { next } = listener.take(undefined) // Where to go on.
      yield* Effect.addFinalizer(() => Effect.sync(() => begun.listener.closeUnsafe()))
      begun.listener.openUnsafe()
      while (isHeard()) { // For as long as somebody is there.
        next = yield* said(listener, next, signals)
      }
    }))
    const look = Effect.sync(() => {
      if (isHeard()) some.openUnsafe()
      else some.closeUnsafe()
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(look, Effect.sleep(lookEvery))))
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(some.await, tell)))
    return (pod: string) =>
      Effect.suspend(() => {
        told.set(pod, performance.now() + Duration.toMillis(listenOn))
        some.openUnsafe()
        return begun.listener.await
      })
  })

/** Says what came since a place, once there is something, or after a while nothing. */
const said = (
  listener: Listener,
  since: FedPlace,
  signals: Signals["Service"]
): Effect.Effect<FedPlace> =>
  Effect.gen(function*() {
    yield* Effect.timeoutOption(listener.changed(since), lookEvery)
    const { entries, isGap, next } = listener.take(since)
    if (isGap) yield* signals.send(topic, "null")
    if (entries.length > 0) {
      yield* signals.send(topic, JSON.stringify(entries.map(({ message }) => message)))
    }
    return next
  })

/** The tails of a pod: each hears all pods. */
export const tailsOver = (
  tails: Tails,
  { follow }: Showing,
  known: <A, E extends { readonly _tag: string }, R>(
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
): Tails => ({ open: (request) => Effect.andThen(follow, known(tails.open(request))) })
