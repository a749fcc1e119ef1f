/**
 * A Redis, and the bus over it. Their code is imported here: who has no Redis starts without it.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { MessageBus } from "../services/MessageBus.ts"
import type { LogUnopened } from "../services/MessageLog.ts"
import type { RedisUnopened } from "../services/RedisUnopened.ts"
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
export const deduplicated = (
  bus: Layer.Layer<MessageBus, LogUnopened>,
  redis: RedisLayer,
  contentHash: boolean
): Layer.Layer<MessageBus, LogUnopened | RedisUnopened> =>
  Layer.unwrap(
    Effect.map(
      Effect.all([
        Effect.promise(() => import("./dedup/DeduplicatedBus.ts")),
        Effect.promise(() => import("./dedup/RedisDeduplicator.ts"))
      ]),
      ([DeduplicatedBus, RedisDeduplicator]) =>
        DeduplicatedBus.layer({ contentHash }).pipe(
          Layer.provide([bus, Layer.provide(RedisDeduplicator.layer(), redis)])
        )
    )
  )
