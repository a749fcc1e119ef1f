/**
 * The bus of a pod among others that each have a log of their own, and share a Redis.
 *
 * What is accepted stays with the pod that accepted it, and so does its order. Every pod has every
 * subscription; who pulls at one gets what all hold, acks go back to where they came from, and
 * tails see what is published anywhere.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { randomBytes } from "node:crypto"
import { hostname } from "node:os"
import process from "node:process"
import { LeaseName, LeaseOwner } from "../../../domain/Lease.ts"
import { loadOf } from "../../../domain/Pod.ts"
import type { EdgeUnbound } from "../../../services/EdgeAddress.ts"
import { withLease } from "../../../services/Holding.ts"
import type { Leases } from "../../../services/Leases.ts"
import { MessageBus } from "../../../services/MessageBus.ts"
import type { LogUnavailable } from "../../../services/MessageLog.ts"
import { RedisUnopened } from "../../../services/RedisUnopened.ts"
import { Signals } from "../../../services/Signals.ts"
import { Tenure } from "../../../services/Tenure.ts"
import { Redis } from "../../drivers/redis/Redis.ts"
import { type PodCounts, podCounts } from "../../observe/PodCounts.ts"
import { extended, settled } from "../Narrowing.ts"
import { Pulling } from "../Pulling.ts"
import * as Replying from "../Replying.ts"
import { numbered } from "./GlobalNumbers.ts"
import * as Host from "./Host.ts"
import { labelled } from "./Labels.ts"
import { administration } from "./Operating.ts"
import { PodPeers } from "./PodPeers.ts"
import * as PodServer from "./PodServer.ts"
import { podsOver } from "./PodsOver.ts"
import * as Registry from "./Registry.ts"
import { settling } from "./Settling.ts"
import * as Showing from "./Showing.ts"
import { subscribing } from "./Subscribing.ts"
import * as SubscriptionTable from "./SubscriptionTable.ts"

/** How a pod is reached by others. */
export interface ApartOptions {
  /** Its name: the same after a restart, with the same log. */
  readonly pod: string
  readonly address: string
  readonly port: number
  readonly version: string
}

/**
 * The name of a pod: after a restart it has the same log, so it has the same name. Kubernetes gives
 * each its HOSTNAME; pods of one machine differ by their port.
 */
export const podNameOf = (port: number): string =>
  `${process.env["HOSTNAME"] ?? hostname()}-${port}`.replaceAll(/[^\w-]/gu, "-")

/** How often it is looked whether subscriptions have changed. */
const lookEvery = Duration.seconds(1)

/** The bus of all pods, over that of this one. */
export const layer = (
  options: ApartOptions
): Layer.Layer<
  MessageBus,
  EdgeUnbound | RedisUnopened,
  Leases | MessageBus | Redis | Signals | Tenure
> => Layer.effect(MessageBus, make(options)).pipe(Layer.provide(FetchHttpClient.layer))

const make = (options: ApartOptions) =>
  Effect.gen(function*() {
    const { pod } = options
    const own = yield* MessageBus
    const tenure = yield* Tenure
    const redis = yield* Redis
    const [signals, counts] = [yield* Signals, yield* podCounts]
    const [startedAt, token] = [
      yield* Clock.currentTimeMillis,
      randomBytes(24).toString("base64url")
    ]
    const looking = { isListening: () => false }
    const { beat, registry } = yield* Registry.make({
      redis,
      describe: () => ({
        pod,
        token,
        url: urlOf(options),
        version: options.version,
        startedAt,
        load: loadOf(own.snapshot()),
        isListening: looking.isListening()
      })
    })
    const peers = new PodPeers(registry, yield* HttpClient.HttpClient)
    const bus = MessageBus.of({ ...own, ...numbered(own, () => registry.number) })
    const showing = yield* Showing.make({ pod, feed: tenure.feed, signals, peers, registry })
    looking.isListening = showing.isListening
    const { heardBy } = showing
    yield* PodServer.serve({ ...options, token }, Host.make({ pod, bus, tenure, heardBy }))
    const subscribe = yield* subscribing({ bus, table: SubscriptionTable.make(redis), peers })
    tenure.among({
      pod,
      handOver: Effect.void, // What is here stays here.
      scan: () => Effect.die("every lane is here"), // A bug.
      ...(yield* Replying.make({
        askPod: (name, ask) => peers.has(name) ? peers.ask(name, ask) : Effect.undefined,
        look: Effect.ignore(beat)
      }))
    })
    // Known to others first: what they create from now on, they create here, too.
    yield* alone(
      pod,
      Effect.andThen(Effect.mapError(beat, unopened), Effect.mapError(subscribe.sync, unopened))
    )
    yield* Effect.logInfo(
      `pod ${pod}, for other pods at ${urlOf(options)}; others: ${peers.known.join(", ") || "none"}`
    )
    yield* Effect.forkScoped(following(registry, subscribe.sync, counts))
    return overPods({ bus, peers, pod, registry, showing, subscribe, tenure })
  })

/** Pods that start together write what they share one after another. Source: guide. */
const startup = {
  name: LeaseName.make("platform_startup"),
  leaseMs: 10_000,
  patience: { waitMs: 30_000, everyMs: 1_000 }
} as const

/** Alone among the pods, or after a while beside one that takes long: each step bears that. */
const alone = (
  pod: string,
  joining: Effect.Effect<void, RedisUnopened>
): Effect.Effect<void, RedisUnopened, Leases> => {
  const { leaseMs, name, patience } = startup
  const held = withLease({ name, owner: LeaseOwner.make(pod), leaseMs }, () => joining, patience)
  return Effect.catchTag(
    held,
    ["LeaseHeld", "LeaseLimit", "LeaseLost", "LeasesUnavailable"],
    ({ message }) => Effect.andThen(Effect.logWarning(`joins without a lock: ${message}`), joining)
  )
}

/** A Redis that answered a moment ago. */
const unopened = ({ message }: { readonly message: string }): RedisUnopened =>
  new RedisUnopened({ reason: "Away", detail: message })

const urlOf = ({ address, port }: ApartOptions): string =>
  `http://${address.includes(":") ? `[${address}]` : address}:${port}`

/** Brings the subscriptions up to date whenever somebody has changed them. */
const following = (
  registry: Registry.Registry,
  sync: Effect.Effect<void, LogUnavailable>,
  counts: PodCounts
): Effect.Effect<never> =>
  Effect.gen(function*() {
    let at = registry.version // As it was when they were read last.
    while (true) { // As long as the pod is there.
      yield* Effect.sleep(lookEvery)
      counts.peers = registry.others.length
      const { version } = registry
      if (version === at) continue
      if (Exit.isSuccess(yield* Effect.exit(sync))) at = version
    }
  })

/** What the bus of all pods is put together from. */
interface Parts {
  readonly bus: MessageBus["Service"]
  readonly peers: PodPeers
  readonly pod: string
  readonly registry: Registry.Registry
  readonly showing: Showing.Showing
  readonly subscribe: Effect.Success<ReturnType<typeof subscribing>>
  readonly tenure: Tenure["Service"]
}

const overPods = (parts: Parts): MessageBus["Service"] => {
  const { bus, peers, pod, registry, showing, subscribe, tenure } = parts
  const pulling = new Pulling({
    pull: (name, max, waitMs) =>
      Effect.map(bus.pull(name, max, waitMs), (deliveries) => labelled(pod, deliveries)),
    tenure,
    others: peers
  })
  const settle = settling(pod, peers)
  const { changes, known } = subscribe
  return MessageBus.of({
    ...bus,
    ...changes,
    pull: (name, max, waitMs) => known(pulling.pull(name, max, waitMs)),
    ack: (name, ackIds) =>
      settled(settle({ kind: "ack", name, ackIds }, (ids) => bus.ack(name, ids))),
    nack: (name, ackIds, delayMs) =>
      settled(
        settle({ kind: "nack", name, ackIds, ms: delayMs }, (ids) => bus.nack(name, ids, delayMs))
      ),
    extend: (name, ackIds, byMs) =>
      extended(
        ackIds,
        settle({ kind: "extend", name, ackIds, ms: byMs }, (ids) => bus.extend(name, ids, byMs))
      ),
    tails: Showing.tailsOver(bus.tails, showing, known),
    handle: (name, options, handler, retry, extras) =>
      options.mode === "broadcast"
        ? Effect.andThen(showing.follow, changes.handle(name, options, handler, retry, extras))
        : changes.handle(name, options, handler, retry, extras),
    ...administration(bus, peers),
    pods: podsOver(bus, peers, registry)
  })
}
