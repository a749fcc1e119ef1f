import { Duration, Effect, Layer, Redacted } from "effect"
import * as PostgresLog from "../../../../src/layers/log/postgres/PostgresLog.ts"
import { delayedContract } from "../../../contracts/DelayedContract.ts"
import { durableLogContract } from "../../../contracts/DurableLogContract.ts"
import { messageLogContract } from "../../../contracts/MessageLogContract.ts"
import { retentionContract } from "../../../contracts/RetentionContract.ts"
import { databases, run } from "../../../servers/Databases.ts"

const { newDatabase } = databases()

const logAt = (url: string) =>
  PostgresLog.layer({
    url: Redacted.make(url),
    owner: "test",
    connectionsMax: 8,
    acquireTimeout: Duration.seconds(30),
    connectionAgeMax: Duration.hours(1),
    retrying: { attempts: 3, delay: Duration.seconds(1) },
    claimsFor: Duration.hours(1)
  })

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

messageLogContract("PostgresLog", shared)
delayedContract("PostgresLog", shared)
retentionContract("PostgresLog", shared)
durableLogContract("PostgresLog", shared)
