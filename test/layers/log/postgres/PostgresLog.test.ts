import { Duration, Effect, Layer } from "effect"
import * as PostgresLog from "../../../../src/layers/log/postgres/PostgresLog.ts"
import { delayedContract } from "../../../contracts/DelayedContract.ts"
import { durableLogContract } from "../../../contracts/DurableLogContract.ts"
import { messageLogContract } from "../../../contracts/MessageLogContract.ts"
import { retentionContract } from "../../../contracts/RetentionContract.ts"
import { databases, run } from "../../../servers/Databases.ts"
import { logOptions } from "./TestLog.ts"

const { newDatabase } = databases()

/** As a pod opens it, with patience. */
const logAt = (url: string) =>
  PostgresLog.layer({
    ...logOptions(url),
    connectionsMax: 8,
    acquireTimeout: Duration.seconds(30),
    retrying: { attempts: 3, delay: Duration.seconds(1) }
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
