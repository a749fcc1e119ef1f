/**
 * A bus whose shards are changed at all pods when that is asked for, by signals.
 *
 * A shard that is paused at one pod only goes on to take what clients bring to the others. A pod
 * that does not hear of a change stays as it is, and says that something was missed.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import { MessageBus } from "../../services/MessageBus.ts"
import { changeShards, ShardChange, shardsOver } from "../../services/ShardChange.ts"
import type { Shards } from "../../services/Shards.ts"
import { Signals } from "../../services/Signals.ts"

/** The topic of the signals. */
const topic = "shards"

/** Most changes that wait here to be made; of more, the newest are not made. */
const waitingMax = 1_000

const Text = Schema.fromJsonString(ShardChange)
const encode = Schema.encodeSync(Text)
const decode = Schema.decodeUnknownOption(Text)

/** The bus, with the shards of all pods. */
export const layer: Layer.Layer<MessageBus, never, MessageBus | Signals> = Layer.effect(
  MessageBus,
  Effect.gen(function*() {
    const bus = yield* MessageBus
    const signals = yield* Signals
    const waiting = yield* Queue.dropping<ShardChange>(waitingMax)
    const context = yield* Effect.context<never>()
    yield* signals.listen(topic, {
      said: ({ text }) =>
        Option.match(decode(text), {
          onNone: () => {},
          onSome: (change) => Queue.offerUnsafe(waiting, change)
        }),
      missed: (count) =>
        Effect.runForkWith(context)(Effect.logWarning(
          `${count} changes of shards, made at another pod, did not arrive here; ` +
            "compare the shards of all pods: codefactory status"
        ))
    })
    yield* Effect.forkScoped(
      Effect.forever(Effect.flatMap(Queue.take(waiting), (change) => follow(bus.shards, change)))
    )
    const tell = (change: ShardChange) =>
      Effect.flatMap(
        signals.send(topic, encode(change)),
        (isSaid) => isSaid ? Effect.void : Effect.logWarning(unsaid)
      )
    return MessageBus.of({ ...bus, shardsOfAll: shardsOver(bus.shards, tell) })
  })
)

const unsaid = "shards were changed at this pod only: Redis cannot tell the others now"

const follow = (shards: Shards, change: ShardChange): Effect.Effect<void> =>
  Effect.matchEffect(changeShards(shards, change), {
    onSuccess: () => Effect.logInfo(`changed shards as another pod did: ${encode(change)}`),
    onFailure: ({ message }) =>
      Effect.logWarning(`another pod changed its shards, this one cannot: ${message}`)
  })
