import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { LeaseName, LeaseOwner } from "../../src/domain/Lease.ts"
import * as LocalLeases from "../../src/layers/leases/LocalLeases.ts"
import * as NoLeases from "../../src/layers/leases/NoLeases.ts"
import { withLease } from "../../src/services/Holding.ts"
import { Leases, LeasesUnavailable } from "../../src/services/Leases.ts"

const request = (owner: string) => ({
  name: LeaseName.make("startup"),
  owner: LeaseOwner.make(owner),
  leaseMs: 3_000
})

/** Leases whose renewals fail while `state.isAway`. */
const failing = (state: { isAway: boolean }) =>
  Layer.effect(
    Leases,
    Effect.map(Leases, (leases) => ({
      ...leases,
      renew: (lease, leaseMs) =>
        Effect.suspend(() =>
          state.isAway
            ? Effect.fail(new LeasesUnavailable({ detail: "away" }))
            : leases.renew(lease, leaseMs)
        )
    }))
  ).pipe(Layer.provide(LocalLeases.layer()))

describe("holding a lease", () => {
  it.effect("keeps it for as long as the work takes, and gives it back at its end", () =>
    Effect.gen(function*() {
      const leases = yield* Leases
      const work = yield* Effect.forkChild(
        withLease(request("a"), () => Effect.sleep("1 minute")),
        { startImmediately: true }
      )
      for (let second = 0; second < 59; second++) {
        yield* TestClock.adjust("1 second")
        assert.deepInclude(yield* Effect.flip(leases.acquire(request("b"))), { _tag: "LeaseHeld" })
      }
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(work)
      yield* leases.acquire(request("b"))
    }).pipe(Effect.provide(LocalLeases.layer())))

  it.effect("whoever waits gets it once it is free", () =>
    Effect.gen(function*() {
      const patience = { waitMs: 60_000, everyMs: 500 }
      const first = yield* Effect.forkChild(
        withLease(request("a"), () => Effect.sleep("10 seconds")),
        { startImmediately: true }
      )
      const second = yield* Effect.forkChild(
        withLease(request("b"), ({ owner }) => Effect.succeed(owner), patience)
      )
      const third = yield* Effect.forkChild(
        Effect.flip(withLease(request("c"), () => Effect.void, { waitMs: 2_000, everyMs: 500 }))
      )
      yield* TestClock.adjust("11 seconds")
      yield* Fiber.join(first)
      assert.strictEqual(yield* Fiber.join(second), "b")
      assert.deepInclude(yield* Fiber.join(third), { _tag: "LeaseHeld" })
    }).pipe(Effect.provide(LocalLeases.layer())))

  it.effect("whoever waits can be interrupted, and then gets nothing", () =>
    Effect.gen(function*() {
      const leases = yield* Leases
      const held = yield* leases.acquire(request("a"))
      const waiting = yield* Effect.forkChild(
        withLease(request("b"), () => Effect.never, { waitMs: 60_000, everyMs: 500 }),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(waiting)
      yield* leases.release(held)
      yield* leases.acquire(request("c"))
    }).pipe(Effect.provide(LocalLeases.layer())))

  it.effect("the work is interrupted when the lease is lost", () =>
    Effect.gen(function*() {
      const state = { isAway: false }
      yield* Effect.provide(
        Effect.gen(function*() {
          const seen = { interrupted: false }
          const work = yield* Effect.forkChild(
            Effect.flip(withLease(request("a"), () =>
              Effect.onInterrupt(Effect.never, () =>
                Effect.sync(() => {
                  seen.interrupted = true
                })))),
            { startImmediately: true }
          )
          yield* TestClock.adjust("5 seconds")
          state.isAway = true
          yield* TestClock.adjust("2 seconds")
          assert.isFalse(seen.interrupted, "two tries may fail")
          yield* TestClock.adjust("2 seconds")
          assert.isTrue(seen.interrupted)
          assert.deepInclude(yield* Fiber.join(work), { _tag: "LeaseLost" })
        }),
        failing(state)
      )
    }))

  it.effect("without anybody who grants, nothing runs", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(
        Effect.provide(withLease(request("a"), () => Effect.die("ran")), NoLeases.layer)
      )
      assert.isTrue(Exit.hasFails(exit))
    }))
})
