/**
 * Leases in Redis: hashes that end by the server's clock, tokens that never fall, and a queue of
 * those who wait, who are told when it is their turn.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import { randomUUID } from "node:crypto"
import type { Lease } from "../../domain/Lease.ts"
import {
  LeaseHeld,
  LeaseLost,
  type LeaseRequest,
  Leases,
  LeasesUnavailable
} from "../../services/Leases.ts"
import type { RedisFailed } from "../drivers/redis/Failure.ts"
import { Redis } from "../drivers/redis/Redis.ts"
import type { Script } from "../drivers/redis/Script.ts"
import {
  acquire,
  keptMs,
  kinds,
  leave,
  livenessMs,
  release,
  renew,
  unheard
} from "./RedisScripts.ts"
import { type Granted, type Waiter, waitersMax, Waiting } from "./RedisWaiters.ts"

/** A waiter asks at least this often, also when nobody tells it anything: a third of its life. */
const pollMs = livenessMs / 3

/** Leases of all that share the Redis. */
export const layer: Layer.Layer<Leases, never, Redis> = Layer.effect(
  Leases,
  Effect.gen(function*() {
    const redis = yield* Redis
    const pod = randomUUID()
    const waiting = new Waiting(redis.isCluster ? `${unheard}${pod}` : pod)
    // A process that cannot hear asks again, like one that missed something.
    yield* Effect.ignore(redis.listen(channelOf(pod), waiting))
    const clock = yield* Clock.Clock
    yield* Effect.forkScoped(waiting.sweep(() => clock.currentTimeMillisUnsafe()))
    return new Granter(redis, waiting, redis.channel(channelOf(pod)), {
      clock,
      random: yield* Random.Random
    })
  })
)

const channelOf = (pod: string): string => `leases:${pod}`

/** What the time and chance of a process are. */
interface Surroundings {
  readonly clock: Clock.Clock
  readonly random: (typeof Random.Random)["Service"]
}

/** Grants what the scripts grant. */
class Granter {
  readonly scope = "cluster"
  private readonly redis: Redis["Service"]
  private readonly waiting: Waiting
  private readonly channel: string
  private readonly around: Surroundings

  constructor(
    redis: Redis["Service"],
    waiting: Waiting,
    channel: string,
    around: Surroundings
  ) {
    this.redis = redis
    this.waiting = waiting
    this.channel = channel
    this.around = around
  }

  readonly acquire = (request: LeaseRequest): Effect.Effect<Lease, LeaseHeld | LeasesUnavailable> =>
    Effect.flatMap(this.ask(request), (answer) =>
      "fencingToken" in answer
        ? Effect.succeed(leaseOf(request, answer))
        : Effect.fail(new LeaseHeld({ name: request.name, retryAfterMs: answer.leftMs })))

  readonly acquireWithin = (
    request: LeaseRequest,
    waitMs: number
  ): Effect.Effect<Lease, LeaseHeld | LeasesUnavailable> =>
    Effect.uninterruptible(Effect.suspend(() => {
      const waiter = this.waiting.add()
      if (waiter === undefined) return Effect.fail(new LeasesUnavailable({ detail: crowded }))
      return Effect.onExit(this.insist(request, waiter, this.now() + waitMs), (exit) => {
        this.waiting.remove(waiter)
        return Exit.isSuccess(exit)
          ? Effect.void
          : Effect.ignore(this.tell(leave, request, waiter))
      })
    }))

  readonly renew = (
    lease: Lease,
    leaseMs: number
  ): Effect.Effect<Lease, LeaseLost | LeasesUnavailable> =>
    Effect.flatMap(this.run(renew, lease.name, lease.fencingToken, leaseMs), (end) =>
      end === null
        ? Effect.fail(new LeaseLost({ name: lease.name }))
        : Effect.succeed({ ...lease, expiresAt: Number(end) }))

  readonly release = (lease: Lease): Effect.Effect<void, LeaseLost | LeasesUnavailable> =>
    Effect.flatMap(
      this.run(release, lease.name, lease.fencingToken),
      (released) => released === 1 ? Effect.void : Effect.fail(new LeaseLost({ name: lease.name }))
    )

  private run(script: Script, name: string, ...args: ReadonlyArray<string | number>) {
    const keys = kinds.map((kind) => this.redis.key(kind, name))
    return Effect.mapError(this.redis.run(script, keys, ...args), unavailable)
  }

  private ask(request: LeaseRequest, waiter?: Waiter) {
    return Effect.map(this.tell(acquire, request, waiter), answerOf)
  }

  private tell(script: Script, { leaseMs, name, owner }: LeaseRequest, waiter?: Waiter) {
    const waits = waiter === undefined ? [] : [waiter.id, this.channel]
    return this.run(script, name, owner, leaseMs, leaseMs + keptMs, ...waits)
  }

  /** Asks, waits for a message or for long enough, and asks again until `until`. */
  private insist(request: LeaseRequest, waiter: Waiter, until: number) {
    return Effect.gen({ self: this }, function*() {
      while (true) {
        waiter.turn = Deferred.makeUnsafe()
        const answer = yield* Effect.result(this.ask(request, waiter))
        const said = Result.getOrElse(answer, () => ({ leftMs: pollMs }))
        if ("fencingToken" in said) return leaseOf(request, said)
        const leftMs = until - this.now()
        if (leftMs <= 0) {
          return yield* Result.isFailure(answer)
            ? answer.failure
            : new LeaseHeld({ name: request.name, retryAfterMs: said.leftMs })
        }
        const jittered = pollMs * (1 - this.around.random.nextDoubleUnsafe() / 5)
        waiter.askAt = this.now() + Math.min(leftMs, said.leftMs + 1, jittered)
        const granted = yield* Effect.interruptible(Deferred.await(waiter.turn))
        if (granted !== undefined) return leaseOf(request, granted)
      }
    })
  }

  private now(): number {
    return this.around.clock.currentTimeMillisUnsafe()
  }
}

const crowded = `${waitersMax} wait in this process already`

const unavailable = ({ message }: RedisFailed): LeasesUnavailable =>
  new LeasesUnavailable({ detail: message })

const leaseOf = ({ name, owner }: LeaseRequest, granted: Granted): Lease => ({
  name,
  owner,
  ...granted
})

/** What `acquire` returned: a grant, or how long the lease of another lasts. */
const answerOf = (reply: unknown): Granted | { readonly leftMs: number } => {
  const [isGranted, first, end] = Array.isArray(reply) ? reply : []
  return isGranted === 1
    ? { fencingToken: Number(first), expiresAt: Number(end) }
    : { leftMs: Math.max(1, Number(first ?? 1)) }
}
