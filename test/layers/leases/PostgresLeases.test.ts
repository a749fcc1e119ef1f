import { assert, it } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted } from "effect"
import { LeaseName, LeaseOwner } from "../../../src/domain/Lease.ts"
import * as PostgresLeases from "../../../src/layers/leases/PostgresLeases.ts"
import * as PostgresLog from "../../../src/layers/log/postgres/PostgresLog.ts"
import { Leases } from "../../../src/services/Leases.ts"
import { leasesContract } from "../../contracts/LeasesContract.ts"
import { databases, rowsOf, run } from "../../servers/Databases.ts"

const { newDatabase } = databases()

/** A database with the tables, and leases in it. */
const made = Effect.gen(function*() {
  const url = yield* newDatabase
  yield* Effect.orDie(PostgresLog.migrating({
    url: Redacted.make(url),
    owner: "test",
    connectionsMax: 1,
    acquireTimeout: Duration.seconds(30),
    connectionAgeMax: Duration.hours(1),
    retrying: { attempts: 0, delay: Duration.seconds(1) }
  }, "run"))
  const leases = PostgresLeases.layer({
    url: Redacted.make(url),
    acquireTimeout: Duration.seconds(30),
    connectionAgeMax: Duration.hours(1)
  })
  return { url, leases }
})

/** Time passes by letting what is held end so much earlier. */
const passing = (url: string) => (ms: number) =>
  run(
    url,
    `UPDATE codefactory.leases SET expires_at = expires_at - ${ms} * interval '1 millisecond'`
  )

leasesContract(
  "PostgresLeases",
  Effect.map(made, ({ leases, url }) => ({ leases, pass: passing(url) }))
)

it.effect("names that are not used any more do not stay", () =>
  Effect.gen(function*() {
    const { leases, url } = yield* made
    yield* Effect.provide(
      Leases.use(({ acquire }) =>
        Effect.gen(function*() {
          const take = (name: string) =>
            acquire({
              name: LeaseName.make(name),
              owner: LeaseOwner.make("pod"),
              leaseMs: 1_000
            })
          for (let at = 0; at < 6; at++) yield* take(`once-${at}`)
          yield* passing(url)(2 * 3_600_000)
          for (let at = 0; at < 4; at++) yield* take(`again-${at}`)
        })
      ),
      leases
    )
    const rows = yield* rowsOf(url, "SELECT name FROM codefactory.leases ORDER BY name")
    assert.deepStrictEqual(rows.map(({ name }) => name), [0, 1, 2, 3].map((at) => `again-${at}`))
  }))

it.effect("without a database nobody is granted anything", () =>
  Effect.gen(function*() {
    const away = PostgresLeases.layer({
      url: Redacted.make("postgres://postgres@127.0.0.1:1/bus"),
      acquireTimeout: Duration.seconds(1),
      connectionAgeMax: Duration.hours(1)
    })
    const error = yield* Effect.flip(Effect.provide(
      Leases.use(({ acquire }) =>
        acquire({ name: LeaseName.make("n"), owner: LeaseOwner.make("pod"), leaseMs: 1_000 })
      ),
      Layer.fresh(away)
    ))
    assert.strictEqual(error._tag, "LeasesUnavailable")
  }))
