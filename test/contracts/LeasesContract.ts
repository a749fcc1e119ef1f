/**
 * What all leases keep, as one suite over each layer of them.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, type Scope } from "effect"
import { type Lease, LeaseName, LeaseOwner } from "../../src/domain/Lease.ts"
import { Leases } from "../../src/services/Leases.ts"

/** Leases to be tested. */
export interface LeasesUnderTest {
  readonly leases: Layer.Layer<Leases>
  /** Lets time pass, by the clock of whoever grants. */
  readonly pass: (ms: number) => Effect.Effect<void>
}

const owner = LeaseOwner.make("pod-1")
const other = LeaseOwner.make("pod-2")
const name = LeaseName.make("migrations")

/** The suite. `make` gives new leases of which none is held. */
export const leasesContract = (
  title: string,
  make: Effect.Effect<LeasesUnderTest, never, Scope.Scope>
) => {
  const test = (
    what: string,
    body: (
      leases: Leases["Service"],
      pass: LeasesUnderTest["pass"]
    ) => Effect.Effect<void, unknown>
  ) =>
    it.effect(
      what,
      () =>
        Effect.flatMap(make, ({ leases, pass }) =>
          Effect.provide(Leases.use((service) => body(service, pass)), leases))
    )

  describe(title, () => {
    test("one of two holders acquires, and not twice (behaviour 81)", (leases) =>
      Effect.gen(function*() {
        const first = yield* leases.acquire({ name, owner, leaseMs: 30_000 })
        assert.deepInclude(first, { name, owner })
        for (const again of [owner, other]) {
          const refused = yield* Effect.flip(
            leases.acquire({ name, owner: again, leaseMs: 30_000 })
          )
          assert.strictEqual(refused._tag, "LeaseHeld")
          if (refused._tag !== "LeaseHeld") return
          assert.isAtMost(refused.retryAfterMs, 30_000)
          assert.isAbove(refused.retryAfterMs, 20_000)
        }
        const elsewhere = LeaseName.make("schedules")
        yield* leases.acquire({ name: elsewhere, owner: other, leaseMs: 30_000 })
      }))

    test(
      "an ended lease is granted anew, with a greater fencing token",
      (leases, pass) =>
        Effect.gen(function*() {
          const first = yield* leases.acquire({ name, owner, leaseMs: 1_000 })
          yield* pass(1_001)
          const second = yield* leases.acquire({ name, owner: other, leaseMs: 1_000 })
          assert.isAbove(second.fencingToken, first.fencingToken)
          assert.isAbove(second.expiresAt, first.expiresAt)
        })
    )

    test("only its holder gives it back, and once", (leases) =>
      Effect.gen(function*() {
        const lease = yield* leases.acquire({ name, owner, leaseMs: 30_000 })
        const forged: Lease = { ...lease, fencingToken: lease.fencingToken + 1 }
        assert.strictEqual((yield* Effect.flip(leases.release(forged)))._tag, "LeaseLost")
        assert.strictEqual((yield* Effect.flip(leases.renew(forged, 1_000)))._tag, "LeaseLost")
        yield* leases.release(lease)
        assert.strictEqual((yield* Effect.flip(leases.release(lease)))._tag, "LeaseLost")
        const next = yield* leases.acquire({ name, owner: other, leaseMs: 30_000 })
        assert.isAbove(next.fencingToken, lease.fencingToken)
      }))

    test(
      "a renewed lease lasts from then on; an ended one cannot be renewed",
      (leases, pass) =>
        Effect.gen(function*() {
          const lease = yield* leases.acquire({ name, owner, leaseMs: 1_500 })
          yield* pass(1_000)
          const renewed = yield* leases.renew(lease, 2_000)
          assert.strictEqual(renewed.fencingToken, lease.fencingToken)
          yield* pass(1_000)
          const held = yield* Effect.flip(leases.acquire({ name, owner: other, leaseMs: 1_000 }))
          assert.strictEqual(held._tag, "LeaseHeld")
          yield* pass(1_500)
          assert.strictEqual((yield* Effect.flip(leases.renew(renewed, 1_000)))._tag, "LeaseLost")
          assert.strictEqual((yield* Effect.flip(leases.release(renewed)))._tag, "LeaseLost")
        })
    )

    test("of many at once exactly one acquires", (leases) =>
      Effect.gen(function*() {
        const tries = Array.from({ length: 50 }, (_, at) =>
          Effect.exit(
            leases.acquire({ name, owner: LeaseOwner.make(`pod-${at}`), leaseMs: 30_000 })
          ))
        const exits = yield* Effect.all(tries, { concurrency: "unbounded" })
        assert.lengthOf(exits.filter(({ _tag }) => _tag === "Success"), 1)
      }))
  })
}
