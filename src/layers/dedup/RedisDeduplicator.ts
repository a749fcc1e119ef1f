/**
 * Idempotency keys in Redis, which is their authority: one script for all that is asked in a tick.
 *
 * A key stands there as `F fingerprint claim` while its publish is in flight, and as
 * `A fingerprint id/shard` once it was accepted, from then on for exactly its time. What cannot be
 * told to Redis is told later, again and again: what was accepted, and what was claimed by a
 * script whose answer was lost, which nobody will publish.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { createHash, randomUUID } from "node:crypto"
import { claimTtlMs } from "../../domain/IdempotencyKey.ts"
import {
  type ClaimedKey,
  Deduplicator,
  type FirstReply,
  type KnownKey,
  type UsedKey
} from "../../services/Deduplicator.ts"
import { KeysUnavailable } from "../../services/Idempotency.ts"
import { Redis } from "../drivers/redis/Redis.ts"
import { type RedisCounts, redisCounts } from "../observe/RedisCounts.ts"
import { KeyBatches, type Step } from "./KeyBatches.ts"

/** What Redis was not told of yet, at most; the oldest is given up, and counted. */
const untoldMax = 10_000

/** How often they are told again, in milliseconds. */
const tellEveryMs = 1_000

/** `ttlMs` is for tests. */
export const layer = (ttlMs = claimTtlMs): Layer.Layer<Deduplicator, never, Redis> =>
  Layer.effect(
    Deduplicator,
    Effect.gen(function*() {
      const redis = yield* Redis
      const keys = new SharedKeys(redis, new KeyBatches(redis, ttlMs), yield* redisCounts)
      yield* Effect.forkScoped(Effect.repeat(keys.tellAgain, Schedule.spaced(tellEveryMs)))
      return keys
    })
  )

/** The keys as one pod sees them. Mutable: it keeps what it could not tell. */
class SharedKeys {
  private readonly redis: Redis["Service"]
  private readonly batches: KeyBatches
  private readonly counts: RedisCounts
  private readonly pod = randomUUID()
  private claims = 0
  /** By claim, what Redis is to be told of it. */
  private readonly untold = new Map<string, Step>()
  /** Claims that may stand there although nobody has them: a repeat at this pod takes one over. */
  private readonly lost = new Set<string>()

  constructor(redis: Redis["Service"], batches: KeyBatches, counts: RedisCounts) {
    this.redis = redis
    this.batches = batches
    this.counts = counts
  }

  readonly claim = (used: UsedKey): Effect.Effect<ClaimedKey | KnownKey, KeysUnavailable> =>
    Effect.suspend(() => {
      const claim = `${this.pod}/${++this.claims}`
      const step = this.step("claim", used, claim)
      const asked = Effect.catchIf(
        this.batches.ask(step),
        ({ reason }) => reason === "Damaged",
        () => Effect.andThen(this.redis.setAside(step.key), this.batches.ask(step))
      )
      return Effect.mapBoth(asked, {
        onFailure: ({ message, reason }) => {
          if (reason === "Unknown") this.lose(claim, used)
          return new KeysUnavailable({ detail: message })
        },
        onSuccess: (reply): ClaimedKey | KnownKey =>
          reply === "" ? { _tag: "Claimed", ...used, claim } : this.found(used, reply)
      })
    })

  readonly accept = (claimed: ClaimedKey, { id, shard }: FirstReply): Effect.Effect<void> =>
    this.tell(claimed.claim, this.step("accept", claimed, `${id}/${shard}`, claimed.claim))

  readonly release = (claimed: ClaimedKey): Effect.Effect<void> =>
    this.tell(claimed.claim, this.step("release", claimed, claimed.claim))

  /** Tells what could not be told. */
  get tellAgain(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.forEach([...this.untold], ([claim, step]) => this.tell(claim, step), {
        concurrency: "unbounded",
        discard: true
      })
    )
  }

  private step(op: Step["op"], { fingerprint, scope }: UsedKey, ...what: ReadonlyArray<string>) {
    return { op, key: keyOf(this.redis, scope), what: [fingerprint, ...what] }
  }

  private tell(claim: string, step: Step): Effect.Effect<void> {
    return Effect.match(this.batches.ask(step), {
      onSuccess: () => void this.untold.delete(claim),
      onFailure: () => this.keep(claim, step)
    })
  }

  private keep(claim: string, step: Step): void {
    const [oldest] = this.untold.keys()
    if (!this.untold.has(claim) && this.untold.size >= untoldMax && oldest !== undefined) {
      this.untold.delete(oldest)
      this.counts.keysForgotten++
    }
    this.untold.set(claim, step)
  }

  /** It may be carried out even after it was told that nobody wants it. */
  private lose(claim: string, used: UsedKey): void {
    const [oldest] = this.lost
    if (this.lost.size >= untoldMax && oldest !== undefined) this.lost.delete(oldest)
    this.lost.add(claim)
    this.keep(claim, this.step("release", used, claim))
  }

  /** What stands there: the state, the fingerprint, and the first reply or the claim. */
  private found(used: UsedKey, reply: string): ClaimedKey | KnownKey {
    const [state, fingerprint = "", what = ""] = reply.split(" ")
    if (state === "F" && this.lost.delete(what) && fingerprint === used.fingerprint) {
      this.untold.delete(what)
      return { _tag: "Claimed", ...used, claim: what }
    }
    const [id = "", shard] = what.split("/")
    return state === "A"
      ? { _tag: "Accepted", fingerprint, id, shard: Number(shard) }
      : { _tag: "InFlight", fingerprint }
  }
}

/** Scopes are of any length. */
const keyOf = (redis: Redis["Service"], scope: string): string =>
  redis.key("claim", createHash("sha256").update(scope).digest("base64url"))
