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
import * as Result from "effect/Result"
import type { Draft } from "../../domain/Message.ts"
import { makeIds, partitionOfId } from "../../domain/MessageId.ts"
import { hash32, orderText, partitionOf } from "../../domain/Position.ts"
import { isReplyTopic } from "../../domain/Request.ts"
import { LogPartitions } from "../../services/LogPartitions.ts"
import { type Accepted, MessageBus, type PublishError } from "../../services/MessageBus.ts"
import { LogUnavailable, MessageLog } from "../../services/MessageLog.ts"
import { Ownership } from "../../services/Ownership.ts"
import { Tenure } from "../../services/Tenure.ts"
import * as Forwarding from "./Forwarding.ts"
import * as Host from "./Host.ts"
import * as Keeper from "./Keeper.ts"
import { extended, settled } from "./Narrowing.ts"
import { administration } from "./Operating.ts"
import { Peers } from "./Peers.ts"
import { Pulling } from "./Pulling.ts"
import { subscribing } from "./Subscribing.ts"
import type { Forwarded } from "./Wire.ts"

/** How often pods whose partitions are not known are looked for, and subscriptions read again. */
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
    const [clock, random] = [yield* Clock.Clock, yield* Random.Random]
    const now = () => clock.currentTimeMillisUnsafe()
    const nextId = makeIds(() => random.nextIntUnsafe() | 0, 0)
    const keeper = yield* Keeper.make(partitions, tenure, now)
    const peers = new Peers(ownership, log.owns)
    const answer = Host.make({ pod: ownership.pod, bus, log, tenure, takenAt: keeper.takenAt })
    const forwarding = yield* Forwarding.make(
      peers,
      (drafts) => Effect.map(bus.publishMany(drafts), (results) => results.map(Host.outcomeOf))
    )
    const pulling = new Pulling(bus, tenure, peers, log)
    const subscribe = subscribing({ bus, log, partitions, peers, tenure })
    const leave = Effect.andThen(keeper.leave, ownership.leave)
    yield* Effect.addFinalizer(() => leave)
    tenure.beforeEnd(leave)
    yield* ownership.join(keeper.own, answer)
    const refresh = Effect.andThen(
      Effect.ignore(peers.gather({ kind: "hello" })),
      Effect.ignore(subscribe.refresh)
    )
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(refresh, Effect.sleep(refreshEvery))))

    const identified = (draft: Draft): Forwarded => ({
      ...draft,
      id: draft.id ??
        nextId(now(), partitionOf(hash32(orderText(draft.topic, draft.key))))
    })
    const forwardOne = (draft: Forwarded): Effect.Effect<Accepted, PublishError> =>
      Effect.flatMap(
        forwarding.forward([draft]),
        ([result]) => result === undefined ? Effect.die("no result") : Effect.fromResult(result)
      )
    const publish = (draft: Draft): Effect.Effect<Accepted, PublishError> => {
      if (isReplyTopic(draft.topic)) return bus.publish(draft)
      const known = identified(draft)
      return log.owns(partitionOfId(known.id))
        ? Effect.catch(
          bus.publish(known),
          (error) => Host.isGone(error) ? forwardOne(known) : Effect.fail(error)
        )
        : forwardOne(known)
    }
    return MessageBus.of({
      ...bus,
      publish,
      publishMany: (drafts) => publishAll(bus, log, forwarding, drafts.map(identified)),
      ...subscribe.changes,
      pull: (name, max, waitMs) => subscribe.known(name, pulling.pull(name, max, waitMs)),
      ack: (name, ackIds) =>
        settled(pulling.settle({ kind: "ack", name, ackIds }, (own) => bus.ack(name, own))),
      nack: (name, ackIds, delayMs) =>
        settled(
          pulling.settle({ kind: "nack", name, ackIds, ms: delayMs }, (own) =>
            bus.nack(name, own, delayMs))
        ),
      extend: (name, ackIds, byMs) =>
        extended(
          ackIds,
          pulling.settle({ kind: "extend", name, ackIds, ms: byMs }, (own) =>
            bus.extend(name, own, byMs))
        ),
      ...administration(bus, log, peers)
    })
  })
)

const missing = Result.fail(
  new LogUnavailable({ reason: "Io", detail: "nothing is known of what became of it" })
)

/** What is here goes to the bus of this pod, the rest to others; results in the order of drafts. */
const publishAll = Effect.fnUntraced(function*(
  bus: MessageBus["Service"],
  log: MessageLog["Service"],
  forwarding: Forwarding.Forwarding,
  drafts: ReadonlyArray<Forwarded>
) {
  const isHere = ({ id, topic }: Forwarded) => isReplyTopic(topic) || log.owns(partitionOfId(id))
  const own = drafts.filter(isHere)
  const others = drafts.filter((draft) => !isHere(draft))
  const [here, there] = yield* Effect.all([
    own.length === 0 ? Effect.succeed([]) : bus.publishMany(own),
    others.length === 0 ? Effect.succeed([]) : forwarding.forward(others)
  ], { concurrency: "unbounded" })
  const results = new Map<string, Result.Result<Accepted, PublishError>>()
  own.forEach(({ id }, at) => results.set(id, here[at] ?? missing))
  others.forEach(({ id }, at) => results.set(id, there[at] ?? missing))
  const gone = own.filter(({ id }) => {
    const result = results.get(id) ?? missing
    return Result.isFailure(result) && Host.isGone(result.failure)
  })
  const again = gone.length === 0 ? [] : yield* forwarding.forward(gone)
  gone.forEach(({ id }, at) => results.set(id, again[at] ?? missing))
  return drafts.map(({ id }) => results.get(id) ?? missing)
})
