/**
 * Keys in a Redis with the types of what stands there, for what others may have written over.
 */
import * as Effect from "effect/Effect"
import type { RedisFailed } from "../../drivers/redis/Failure.ts"
import type { Redis } from "../../drivers/redis/Redis.ts"

/** A key, and what stands there. */
export interface TypedKey {
  readonly key: string
  readonly type: "hash" | "string" | "zset"
}

/** How often subscriptions have changed. */
export const changesKey = ({ key }: Redis["Service"]): TypedKey => ({
  key: key("changes", "pods"),
  type: "string"
})

/** Does it again once what somebody else wrote under a key is out of the way. */
export const tended = <A>(
  redis: Redis["Service"],
  keys: ReadonlyArray<TypedKey>,
  asking: Effect.Effect<A, RedisFailed>
): Effect.Effect<A, RedisFailed> => {
  const tend = ({ key, type }: TypedKey) =>
    Effect.flatMap(
      redis.command("type", "TYPE", key),
      (found) => found === type || found === "none" ? Effect.void : redis.setAside(key)
    )
  return Effect.catchIf(
    asking,
    ({ reason }) => reason === "Damaged",
    () => Effect.andThen(Effect.forEach(keys, tend, { discard: true }), asking)
  )
}
