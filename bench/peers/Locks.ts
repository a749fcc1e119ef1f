/**
 * Locks over Redis and PostgreSQL as others have them, and ours, behind one face: a lock is taken,
 * waited for if another has it, and given back.
 */
import { Context, Effect, Exit, Layer, Redacted, Schedule, Scope } from "effect"
import { Redis } from "ioredis"
import { randomUUID } from "node:crypto"
import postgres from "postgres"
import Redlock from "redlock"
import { LeaseName, LeaseOwner } from "../../src/domain/Lease.ts"
import * as RedisDriver from "../../src/layers/drivers/redis/Redis.ts"
import * as RedisLeases from "../../src/layers/leases/RedisLeases.ts"
import { Leases } from "../../src/services/Leases.ts"

/** One client of a lock service. */
export interface Locks {
  /** Waits until it has the lock of a name; gives what gives it back. */
  readonly take: (name: string) => Promise<() => Promise<void>>
  readonly close: () => Promise<void>
}

/** Opens a client; `clients` contend, for those that need a connection for each. */
export type OpenLocks = (url: string, clients: number) => Promise<Locks>

/** Milliseconds that a lock lasts, for all. */
const leaseMs = 30_000

/** Longest wait in milliseconds. */
const waitMs = 60_000

/** A machine that stood still for a second ends no measurement: it is asked again. */
const patiently = <A, E extends { readonly _tag: string }>(
  effect: Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.retry(effect, {
    while: ({ _tag }) => _tag === "LeasesUnavailable",
    times: 20,
    schedule: Schedule.spaced("100 millis")
  })

/** The leases of this program. `waits` is for a name that others take too. */
const ourLocks = (waits: boolean): OpenLocks => async (url) => {
  const scope = Scope.makeUnsafe()
  const redis = RedisDriver.layer({ url: Redacted.make(url), prefix: "bench:" })
  const context = await Effect.runPromise(
    Layer.buildWithScope(Layer.provide(RedisLeases.layer, redis), scope)
  )
  const leases = Context.get(context, Leases)
  const owner = LeaseOwner.make("bench")
  return {
    take: async (name) => {
      const request = { name: LeaseName.make(name), owner, leaseMs }
      const lease = await Effect.runPromise(
        patiently(
          waits && leases.acquireWithin !== undefined
            ? leases.acquireWithin(request, waitMs)
            : leases.acquire(request)
        )
      )
      return () =>
        Effect.runPromise(
          patiently(leases.release(lease)).pipe(
            Effect.catchTag("LeaseLost", () => Effect.void) // Given back by the first try.
          )
        )
    },
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

/** The leases of this program, for a name that others take too, or not. */
export const ours = { contended: ourLocks(true), alone: ourLocks(false) }

/** `redlock` over one server, as it comes, but for a patience that outlasts the run. */
export const redlock: OpenLocks = async (url) => {
  const client = new Redis(url)
  const locks = new Redlock([client], { retryCount: -1 })
  return {
    take: async (name) => {
      const lock = await locks.acquire([name], leaseMs)
      return async () => void await lock.release()
    },
    close: async () => void await client.quit()
  }
}

/** Gives back what is still one's own. */
const deleting = `if redis.call("get", KEYS[1]) == ARGV[1] then
  return redis.call("del", KEYS[1]) else return 0 end`

/** What every handbook has: `SET NX PX`, and a script that compares and deletes; it cannot wait. */
export const bare: OpenLocks = async (url) => {
  const client = new Redis(url)
  const sha = String(await client.script("LOAD", deleting))
  return {
    take: async (name) => {
      const own = randomUUID()
      const taken = await client.set(name, own, "PX", leaseMs, "NX")
      if (taken !== "OK") throw new Error(`${name} is held`)
      return async () => void await client.evalsha(sha, 1, name, own)
    },
    close: async () => void await client.quit()
  }
}

/** Advisory locks of PostgreSQL: a connection for each who waits, and the server wakes it. */
export const advisory: OpenLocks = async (url, clients) => {
  const sql = postgres(url, { max: clients, onnotice: () => {} })
  return {
    take: async (name) => {
      const connection = await sql.reserve()
      await connection`SELECT pg_advisory_lock(hashtextextended(${name}, 0))`
      return async () => {
        await connection`SELECT pg_advisory_unlock(hashtextextended(${name}, 0))`
        connection.release()
      }
    },
    close: () => sql.end()
  }
}
