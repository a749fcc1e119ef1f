/**
 * Feeding: tails of this pod follow what other pods publish, while there are tails.
 *
 * Each other pod is asked for what came since it was asked last; it replies once there is
 * something. What is missed while partitions change hands is in the log, which tails read on.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import * as RcRef from "effect/RcRef"
import type * as Scope from "effect/Scope"
import { partitionOfLogLane } from "../../domain/Position.ts"
import type { Scanned } from "../../services/MessageLog.ts"
import type {
  Fed,
  FedEntry,
  FedPlace,
  Listener,
  OtherPods,
  TailFeed
} from "../../services/OtherPods.ts"
import type { Tails } from "../../services/Tails.ts"
import { unexpected } from "./Narrowing.ts"
import { askTimeout, type Peers } from "./Peers.ts"
import { type Ask, valueOf } from "./Wire.ts"

/** How long others are listened to after the last tail was closed: one may be opened again. */
const listenOn = Duration.seconds(30)

/** How long this pod keeps at hand what it publishes after another one asked for it last. */
const holdOn = Duration.seconds(10)

/** Longest wait for something to tell. */
const waitMax = Duration.seconds(20)

/** How often pods are looked for. */
const lookEvery = Duration.seconds(1)

/** Wait after a pod that did not answer. */
const againAfter = Duration.millis(100)

/** How long lanes are asked for before a tail begins without those that nobody answers for. */
const lanesTimeout = Duration.seconds(5)

/** What is followed. */
export interface Following {
  /** Follows the other pods until the scope closes, and beyond that for whoever comes next. */
  readonly follow: Effect.Effect<void, never, Scope.Scope>
  /** Learns how far all lanes are now. */
  readonly learn: Effect.Effect<void>
}

/** The following of other pods by the tails of this one. */
export const make = (
  peers: Peers,
  feed: TailFeed
): Effect.Effect<Following, never, Scope.Scope> =>
  Effect.gen(function*() {
    const learn = peers.gather({ kind: "lanes" }).pipe(
      Effect.map((all) => all.forEach((said) => feed.tell(valueOf<Fed>(said)))),
      Effect.timeoutOrElse({ duration: lanesTimeout, orElse: () => Effect.void }),
      Effect.catch(({ message }) => Effect.logDebug(`a tail begins without a pod: ${message}`))
    )
    const shared = yield* RcRef.make({
      acquire: Effect.gen(function*() {
        yield* Effect.addFinalizer(() => Effect.sync(() => feed.forget()))
        yield* learn
        const pods = yield* FiberMap.make<string>()
        const look = Effect.gen(function*() {
          for (const pod of peers.pods.keys()) {
            yield* FiberMap.run(pods, pod, listenTo(peers, feed, pod), { onlyIfMissing: true })
          }
          yield* Effect.sleep(lookEvery)
          if (!peers.isComplete) yield* learn
        })
        yield* Effect.forkScoped(Effect.forever(look))
      }),
      idleTimeToLive: listenOn
    })
    return { follow: RcRef.get(shared), learn }
  })

/** Tells what a pod tells, for as long as it has partitions. */
const listenTo = Effect.fnUntraced(function*(peers: Peers, feed: TailFeed, pod: string) {
  let since: FedPlace | undefined // Where to go on.
  while (true) { // Until it has none.
    const ask: Ask = { kind: "feed", pod, since }
    const said = yield* Effect.option(
      peers.askPod(pod, ask, Duration.sum(waitMax, askTimeout))
    )
    if (Option.isNone(said)) yield* Effect.sleep(againAfter)
    else if (said.value === undefined) return
    else {
      const fed = valueOf<Fed>(said.value)
      since = fed.next
      feed.tell(fed)
    }
  }
})

/** Replies to who follows this pod. */
export type Feed = (
  ask: Extract<Ask, { kind: "feed" | "lanes" }>
) => Effect.Effect<Fed | undefined>

/** What this pod tells others. */
export const feeding = (
  pod: string,
  feed: TailFeed
): Effect.Effect<Feed, never, Scope.Scope> =>
  Effect.map(
    RcRef.make({ acquire: feed.listen, idleTimeToLive: holdOn }),
    (listening): Feed => (ask) => {
      if (ask.kind === "feed" && ask.pod !== pod) return Effect.undefined // Of a former owner.
      const since = ask.kind === "feed" ? ask.since : undefined
      return Effect.scoped(
        Effect.flatMap(RcRef.get(listening), (listener) => fedFrom(listener, since))
      )
    }
  )

const fedFrom = (listener: Listener, since: FedPlace | undefined): Effect.Effect<Fed> =>
  since === undefined
    ? Effect.sync(() => listener.take(since))
    : Effect.map(
      Effect.timeoutOption(listener.changed(since), waitMax),
      () => listener.take(since)
    )

/** Reads a lane that another pod has. */
export const scanning = (peers: Peers): OtherPods["scan"] => (request, pattern) =>
  peers.ask(partitionOfLogLane(request.logLane), { kind: "scan", request, pattern }).pipe(
    Effect.mapBoth({ onFailure: unexpected, onSuccess: valueOf<Scanned<FedEntry>> })
  )

/** The tails of a pod: each follows all pods. */
export const tailsOver = (
  tails: Tails,
  { follow, learn }: Following,
  known: <A, E extends { readonly _tag: string }, R>(
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
): Tails => ({
  open: (request) =>
    Effect.andThen(
      // A position that another pod gave tells of what this one may not have heard of.
      typeof request.from === "object" ? Effect.andThen(follow, learn) : follow,
      known(tails.open(request))
    )
})
