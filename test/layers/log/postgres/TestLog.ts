/** How tests open the shared log: with few connections, and without patience. */
import { Duration, Redacted } from "effect"
import type { PostgresLogOptions } from "../../../../src/layers/log/postgres/PostgresLog.ts"

/** The options of the log at an address. */
export const logOptions = (url: string): PostgresLogOptions => ({
  url: Redacted.make(url),
  owner: "test",
  connectionsMax: 4,
  acquireTimeout: Duration.seconds(5),
  connectionAgeMax: Duration.hours(1),
  retrying: { attempts: 0, delay: Duration.millis(10) },
  claimsFor: Duration.hours(1)
})
