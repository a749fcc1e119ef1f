/** How tests open the shared log: with few connections, and without patience. */
import { Duration, Effect, Layer, Redacted } from "effect"
import * as PostgresLog from "../../../../src/layers/log/postgres/PostgresLog.ts"
import { delayedContract } from "../../../contracts/DelayedContract.ts"
import { durableLogContract } from "../../../contracts/DurableLogContract.ts"
import { messageLogContract } from "../../../contracts/MessageLogContract.ts"
import { retentionContract } from "../../../contracts/RetentionContract.ts"
import { run } from "../../../servers/Databases.ts"

/** The options of the log at an address. */
export const logOptions = (url: string): PostgresLog.PostgresLogOptions => ({
  url: Redacted.make(url),
  owner: "test",
  connectionsMax: 4,
  acquireTimeout: Duration.seconds(5),
  connectionAgeMax: Duration.hours(1),
  retrying: { attempts: 0, delay: Duration.millis(10) },
  claimsFor: Duration.hours(1)
})

/** As a pod opens it, with patience; distributed over Citus, where there is one. */
const logAt = (url: string) =>
  PostgresLog.layer({
    ...logOptions(url),
    connectionsMax: 8,
    acquireTimeout: Duration.seconds(30),
    retrying: { attempts: 3, delay: Duration.seconds(1) },
    citus: true
  })

/** The contracts of the log, over new databases. */
export const sharedLogContracts = (name: string, newDatabase: Effect.Effect<string>): void => {
  const shared = Effect.map(newDatabase, (url) => ({
    log: Layer.suspend(() => logAt(url)),
    // A process that is fenced stores nothing more, whatever it does when its scope closes; so what
    // stands there now is what a killed one leaves.
    afterKill: Effect.map(run(url, `UPDATE codefactory.partitions SET epoch = epoch + 1`), () => {
      const unfenced = Effect.runSync(Effect.cached(
        run(url, `UPDATE codefactory.partitions SET epoch = epoch - 1`)
      ))
      return Layer.unwrap(Effect.as(unfenced, logAt(url)))
    })
  }))
  messageLogContract(name, shared)
  delayedContract(name, shared)
  retentionContract(name, shared)
  durableLogContract(name, shared)
}
