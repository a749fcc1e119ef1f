import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { LeaseName, LeaseOwner } from "../../../src/domain/Lease.ts"
import * as LocalLeases from "../../../src/layers/leases/LocalLeases.ts"
import { Leases } from "../../../src/services/Leases.ts"
import { leasesContract } from "../../contracts/LeasesContract.ts"

leasesContract(
  "LocalLeases",
  Effect.sync(() => ({
    leases: LocalLeases.layer(),
    pass: (ms) => TestClock.adjust(ms)
  }))
)

it.effect("as many names are held as may be; ended ones make room", () =>
  Effect.gen(function*() {
    const { acquire } = yield* Leases
    const take = (at: number) =>
      acquire({
        name: LeaseName.make(`n${at}`),
        owner: LeaseOwner.make("pod"),
        leaseMs: at === 0 ? 1_000 : 60_000
      })
    for (let at = 0; at < 3; at++) yield* take(at)
    assert.deepInclude(yield* Effect.flip(take(3)), { _tag: "LeaseLimit", limit: 3 })
    yield* TestClock.adjust("1 second")
    yield* take(3)
  }).pipe(Effect.provide(LocalLeases.layer(3))))
