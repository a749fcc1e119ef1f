/**
 * The bus of a pod among others: one bus over all of them.
 *
 * Each pod serves the partitions it has, with the same bus as a process that has all of them. This
 * one sends what concerns others to where it belongs, and puts together what several answer.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import { makeIds } from "../../domain/MessageId.ts"
import { LogPartitions } from "../../services/LogPartitions.ts"
import { MessageBus } from "../../services/MessageBus.ts"
import { MessageLog } from "../../services/MessageLog.ts"
import { Ownership } from "../../services/Ownership.ts"
import { shardsOver } from "../../services/ShardChange.ts"
import { Tenure } from "../../services/Tenure.ts"
import { podCounts } from "../observe/PodCounts.ts"
import * as Feeding from "./Feeding.ts"
import * as Forwarding from "./Forwarding.ts"
import { Handlers } from "./Handlers.ts"
import * as Host from "./Host.ts"
import * as Keeper from "./Keeper.ts"
import { extended, settled } from "./Narrowing.ts"
import { administration, podsOver, toldOf } from "./Operating.ts"
import { Peers } from "./Peers.ts"
import { publishing, type PublishingOptions } from "./Publishing.ts"
import { Pulling } from "./Pulling.ts"
import { outcomeOf } from "./Receiving.ts"
import * as Relaying from "./Relaying.ts"
import * as Replying from "./Replying.ts"
import { Settling } from "./Settling.ts"
import { subscribing } from "./Subscribing.ts"

/** How often it is looked whether the pod of some partition is unknown. */
const findEvery = Duration.millis(200)

/** How often subscriptions are read again. */
const refreshEvery = Duration.seconds(5)

/** The bus of all pods, over that of this one. */
export const layer: Layer.Layer<
  MessageBus,
  never,
  LogPartitions | MessageBus | MessageLog | Ownership | Tenure
> = Layer.effect(
  MessageBus,
  Effect.gen(function*() {
    const bus = yield* MessageBus
    const log = yield* MessageLog
    const tenure = yield* Tenure
    const partitions = yield* LogPartitions
    const ownership = yield* Ownership
    const counts = yield* podCounts
    const [clock, random] = [yield* Clock.Clock, yield* Random.Random]
    const now = () => clock.currentTimeMillisUnsafe()
    const nextId = makeIds(() => random.nextIntUnsafe() | 0, 0)
    const newId = (partition: number) => nextId(now(), partition)
    const keeper = yield* Keeper.make(partitions, tenure, now)
    const peers = new Peers(ownership, counts, log.owns)
    const { pod } = ownership
    const feed = yield* Feeding.feeding(pod, tenure.feed)
    const handlers = new Handlers(counts)
    const subscribe = subscribing({ bus, log, partitions, peers, tenure })
    const { handle } = subscribe.changes
    const relaying = yield* Relaying.make({ bus, handle, handlers, peers })
    const { takenAt } = keeper
    const { look } = relaying
    const answer = Host.make({ pod, bus, log, tenure, takenAt, feed, handlers, look })
    const following = yield* Feeding.make(peers, tenure.feed)
    const forwarding = yield* Forwarding.make(
      peers,
      (drafts) => Effect.map(bus.publishMany(drafts), (results) => results.map(outcomeOf))
    )
    const leave = Effect.andThen(keeper.leave, ownership.leave)
    yield* Effect.addFinalizer(() => leave)
    tenure.among({
      pod,
      handOver: leave,
      scan: Feeding.scanning(peers),
      ...(yield* Replying.make({
        askPod: (name, ask) => peers.askPod(name, ask),
        look: Effect.ignore(peers.gather({ kind: "hello" }))
      }))
    })
    yield* ownership.join(keeper.own, answer)
    const again = (what: Effect.Effect<unknown, unknown>, every: Duration.Duration) =>
      Effect.forkScoped(Effect.forever(Effect.andThen(Effect.ignore(what), Effect.sleep(every))))
    const find = Effect.suspend(() =>
      peers.isComplete ? Effect.void : peers.gather({ kind: "hello" })
    )
    yield* again(find, findEvery)
    yield* again(subscribe.refresh, refreshEvery)
    yield* Effect.forkScoped(relaying.run)

    return overPods({ bus, following, forwarding, log, newId, peers, relaying, subscribe, tenure })
  })
)

/** What the bus of all pods is put together from. */
interface Parts extends PublishingOptions {
  readonly following: Feeding.Following
  readonly peers: Peers
  readonly relaying: Relaying.Relaying
  readonly subscribe: ReturnType<typeof subscribing>
  readonly tenure: Tenure["Service"]
}

const overPods = (parts: Parts): MessageBus["Service"] => {
  const { bus, following, log, peers, relaying, subscribe, tenure } = parts
  const pulling = new Pulling({ pull: bus.pull, tenure, others: peers })
  const settling = new Settling(peers, log)
  const { handle } = subscribe.changes
  const { publish, publishMany } = publishing(parts)
  return MessageBus.of({
    ...bus,
    publish,
    publishMany,
    ...subscribe.changes,
    pull: (name, max, waitMs) => subscribe.known(pulling.pull(name, max, waitMs)),
    ack: (name, ackIds) =>
      settled(settling.settle({ kind: "ack", name, ackIds }, (own) => bus.ack(name, own))),
    nack: (name, ackIds, delayMs) =>
      settled(
        settling.settle({ kind: "nack", name, ackIds, ms: delayMs }, (own) =>
          bus.nack(name, own, delayMs))
      ),
    extend: (name, ackIds, byMs) =>
      extended(
        ackIds,
        settling.settle({ kind: "extend", name, ackIds, ms: byMs }, (own) =>
          bus.extend(name, own, byMs))
      ),
    requests: tenure.requestsOver(publish),
    tails: Feeding.tailsOver(bus.tails, following, subscribe.known),
    handle: (name, options, handler, retry, extras) =>
      options.mode === "broadcast"
        ? Effect.andThen(following.follow, handle(name, options, handler, retry, extras))
        : relaying.handle(name, options, handler, retry, extras),
    ...administration(bus, log, peers),
    pods: podsOver(bus, peers),
    shardsOfAll: shardsOver(bus.shards, (change) => toldOf(peers, change))
  })
}
