/**
 * A Redis, and the bus over it. Their code is imported here: who has no Redis starts without it.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { EdgeUnbound } from "../services/EdgeAddress.ts"
import type { MessageBus } from "../services/MessageBus.ts"
import type { LogUnopened } from "../services/MessageLog.ts"
import type { RedisUnopened } from "../services/RedisUnopened.ts"
import type { Tenure } from "../services/Tenure.ts"
import type { Redis, RedisOptions } from "./drivers/redis/Redis.ts"

/** A Redis that all parts of a program share. */
export type RedisLayer = Layer.Layer<Redis, RedisUnopened>

/** The Redis at an address. */
export const redisLayer = (options: RedisOptions): RedisLayer =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./drivers/redis/Redis.ts")),
      ({ layer }) => layer(options)
    )
  )

/** A bus with a log of its own, whose idempotency keys count at all pods that share the Redis. */
export const deduplicated = <Provided extends MessageBus | Tenure>(
  bus: Layer.Layer<MessageBus | Provided, LogUnopened>,
  redis: RedisLayer,
  contentHash: boolean
): Layer.Layer<MessageBus | Provided, LogUnopened | RedisUnopened> =>
  Layer.unwrap(
    Effect.map(
      Effect.all([
        Effect.promise(() => import("./dedup/DeduplicatedBus.ts")),
        Effect.promise(() => import("./dedup/RedisDeduplicator.ts"))
      ]),
      ([DeduplicatedBus, RedisDeduplicator]) =>
        DeduplicatedBus.layer({ contentHash }).pipe(
          Layer.provide(Layer.provide(RedisDeduplicator.layer(), redis)),
          Layer.provideMerge(bus)
        )
    )
  )

/** How a pod with a log of its own is reached by others. */
export interface ApartPod {
  readonly address: string
  readonly port: number
  readonly version: string
}

/** One bus over pods that have a log each and share the Redis; `bus` makes that of this pod. */
export const apart = (
  bus: (pod: string) => Layer.Layer<MessageBus | Tenure, LogUnopened>,
  redis: RedisLayer,
  pod: ApartPod,
  contentHash: boolean
): Layer.Layer<MessageBus, EdgeUnbound | LogUnopened | RedisUnopened> =>
  Layer.unwrap(
    Effect.map(
      Effect.all([
        Effect.promise(() => import("./leases/RedisLeases.ts")),
        Effect.promise(() => import("./ownership/apart/ApartBus.ts")),
        Effect.promise(() => import("./signals/RedisSignals.ts"))
      ]),
      ([RedisLeases, ApartBus, RedisSignals]) => {
        const name = ApartBus.podNameOf(pod.port)
        return ApartBus.layer({ ...pod, pod: name }).pipe(
          Layer.provide([RedisLeases.layer, RedisSignals.layer]),
          Layer.provide([redis, deduplicated(bus(name), redis, contentHash)])
        )
      }
    )
  )

/** A bus of several pods, whose shards are changed at all of them. */
export const signalled = <E>(
  bus: Layer.Layer<MessageBus, E>,
  redis: RedisLayer
): Layer.Layer<MessageBus, E | RedisUnopened> =>
  Layer.unwrap(
    Effect.map(
      Effect.all([
        Effect.promise(() => import("./signals/RedisSignals.ts")),
        Effect.promise(() => import("./signals/SignalledBus.ts"))
      ]),
      ([RedisSignals, SignalledBus]) =>
        SignalledBus.layer.pipe(
          Layer.provide([bus, Layer.provide(RedisSignals.layer, redis)])
        )
    )
  )
