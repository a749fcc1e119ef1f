/**
 * Idempotency keys in Redis, which is their authority: one script for all that is asked in a tick.
 *
 * A key stands there as `F fingerprint claim` while its publish is in flight, and as
 * `A fingerprint id/shard` once it was accepted, from then on for exactly its time. What cannot be
 * told to Redis after a message was accepted is told later, again and again.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { createHash, randomUUID } from "node:crypto"
import { claimTtlMs } from "../../domain/IdempotencyKey.ts"
import { type ClaimedKey, Deduplicator, type KnownKey } from "../../services/Deduplicator.ts"
import { KeysUnavailable } from "../../services/Idempotency.ts"
import type { RedisFailed } from "../drivers/redis/Failure.ts"
import { Redis } from "../drivers/redis/Redis.ts"
import { redisCounts } from "../observe/RedisCounts.ts"
import { KeyBatches, type Step } from "./KeyBatches.ts"

/** Accepted keys that Redis was not told of yet, at most; the oldest is given up, and counted. */
const untoldMax = 10_000

/** How often they are told again, in milliseconds. */
const tellEveryMs = 1_000

/** `ttlMs` is for tests. */
export const layer = (ttlMs = claimTtlMs): Layer.Layer<Deduplicator, never, Redis> =>
  Layer.effect(
    Deduplicator,
    Effect.gen(function*() {
      const redis = yield* Redis
      const counts = yield* redisCounts
      const batches = new KeyBatches(redis, ttlMs)
      const pod = randomUUID()
      const state = { claims: 0 }
      const untold = new Map<string, Step>()

      const tellAgain = Effect.suspend(() =>
        Effect.forEach([...untold], ([claim, step]) =>
          Effect.match(batches.ask(step), {
            onSuccess: () => untold.delete(claim),
            onFailure: () => false
          }), { concurrency: "unbounded", discard: true })
      )
      yield* Effect.forkScoped(Effect.repeat(tellAgain, Schedule.spaced(tellEveryMs)))

      const keep = (claim: string, step: Step) => {
        const [oldest] = untold.keys()
        if (untold.size >= untoldMax && oldest !== undefined) {
          untold.delete(oldest)
          counts.keysForgotten++
        }
        untold.set(claim, step)
      }

      return Deduplicator.of({
        claim: (used) => {
          const claim = `${pod}/${++state.claims}`
          const step: Step = {
            op: "claim",
            key: keyOf(redis, used.scope),
            what: [used.fingerprint, claim]
          }
          return Effect.mapBoth(
            Effect.catchIf(batches.ask(step), isDamaged, () =>
              Effect.andThen(redis.setAside(step.key), batches.ask(step))),
            {
              onFailure: ({ message }) =>
                new KeysUnavailable({ detail: message }),
              onSuccess: (reply): ClaimedKey | KnownKey =>
                reply === "" ? { _tag: "Claimed", ...used, claim } : knownOf(reply)
            }
          )
        },
        accept: ({ claim, fingerprint, scope }, { id, shard }) => {
          const step: Step = {
            op: "accept",
            key: keyOf(redis, scope),
            what: [fingerprint, `${id}/${shard}`, claim]
          }
          return Effect.match(batches.ask(step), {
            onSuccess: () => {},
            onFailure: () =>
              keep(claim, step)
          })
        },
        // One that is not told of it ends by itself.
        release: ({ claim, fingerprint, scope }) =>
          Effect.ignore(
            batches.ask({ op: "release", key: keyOf(redis, scope), what: [fingerprint, claim] })
          )
      })
    })
  )

const isDamaged = ({ reason }: RedisFailed): boolean => reason === "Damaged"

/** Scopes are of any length. */
const keyOf = (redis: Redis["Service"], scope: string): string =>
  redis.key("claim", createHash("sha256").update(scope).digest("base64url"))

/** What stands there: the state, the fingerprint, and the first reply or the claim. */
const knownOf = (reply: string): KnownKey => {
  const [state, fingerprint = "", first = ""] = reply.split(" ")
  const [id = "", shard] = first.split("/")
  return state === "A"
    ? { _tag: "Accepted", fingerprint, id, shard: Number(shard) }
    : { _tag: "InFlight", fingerprint }
}
