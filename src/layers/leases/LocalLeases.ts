/**
 * Leases within this process: enough where there is only one.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Lease, nextToken } from "../../domain/Lease.ts"
import { LeaseHeld, LeaseLimit, LeaseLost, Leases, leasesMax } from "../../services/Leases.ts"

/** No lease is held at first; `max` is for tests. */
export const layer = (max = leasesMax): Layer.Layer<Leases> =>
  Layer.effect(
    Leases,
    Effect.map(Clock.Clock, (clock) => {
      const held = new Map<string, Lease>()
      const state = { token: 0 }
      const now = () => clock.currentTimeMillisUnsafe()
      const live = (name: string): Lease | undefined => {
        const lease = held.get(name)
        if (lease === undefined || lease.expiresAt > now()) return lease
        held.delete(name)
        return undefined
      }
      /** All names are looked at only when there is no room, so each is at most once in a while. */
      const hasRoom = (): boolean => {
        if (held.size < max) return true
        for (const name of [...held.keys()]) live(name)
        return held.size < max
      }
      const owned = ({ fencingToken, name }: Lease): Lease | undefined => {
        const lease = live(name)
        return lease?.fencingToken === fencingToken ? lease : undefined
      }
      return Leases.of({
        scope: "process",
        acquire: ({ leaseMs, name, owner }) =>
          Effect.suspend((): Effect.Effect<Lease, LeaseHeld | LeaseLimit> => {
            const other = live(name)
            if (other !== undefined) {
              const retryAfterMs = Math.ceil(other.expiresAt - now())
              return Effect.fail(new LeaseHeld({ name, retryAfterMs }))
            }
            if (!hasRoom()) return Effect.fail(new LeaseLimit({ limit: max }))
            state.token = nextToken(state.token, now())
            const lease = { name, owner, fencingToken: state.token, expiresAt: now() + leaseMs }
            held.set(name, lease)
            return Effect.succeed(lease)
          }),
        renew: (lease, leaseMs) =>
          Effect.suspend((): Effect.Effect<Lease, LeaseLost> => {
            const own = owned(lease)
            if (own === undefined) return Effect.fail(new LeaseLost({ name: lease.name }))
            const renewed = { ...own, expiresAt: now() + leaseMs }
            held.set(lease.name, renewed)
            return Effect.succeed(renewed)
          }),
        release: (lease) =>
          Effect.suspend(() => {
            if (owned(lease) === undefined) return Effect.fail(new LeaseLost({ name: lease.name }))
            held.delete(lease.name)
            return Effect.void
          })
      })
    })
  )
