/** How tests open a Redis. */
import { Redacted } from "effect"
import type { RedisOptions } from "../../../../src/layers/drivers/redis/Redis.ts"

/** The options of the Redis at an address. */
export const redisOptions = (url: string): RedisOptions => ({
  url: Redacted.make(url),
  prefix: "test:"
})
