/** How tests open a database: with few connections. */
import { Duration, Redacted } from "effect"
import {
  circuitPolicy,
  type DatabaseOptions
} from "../../../../src/layers/drivers/postgres/Database.ts"

/** The options of the database at an address. */
export const databaseOptions = (url: string): DatabaseOptions => ({
  url: Redacted.make(url),
  purpose: "tests",
  connectionsMax: 4,
  acquireTimeout: Duration.seconds(30),
  connectionAgeMax: Duration.hours(1),
  statementTimeout: Duration.seconds(30),
  isSynchronous: true,
  circuit: circuitPolicy
})
