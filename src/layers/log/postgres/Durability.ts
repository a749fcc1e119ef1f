/**
 * What a commit of this server survives, asked of the server itself.
 */
import * as Effect from "effect/Effect"
import { type Durability, LogUnopened } from "../../../services/MessageLog.ts"
import type { Querying } from "../../drivers/postgres/Database.ts"

/**
 * `replicated` when each commit waits for a synchronous standby, otherwise `local`. A server that
 * does not sync, or is a standby itself, is refused: it would promise what it does not keep.
 */
export const durabilityOf = Effect.fnUntraced(function*(
  database: Querying,
  required: Durability | undefined
) {
  const [row] = yield* database.query("durability", sql)
  const [fsync, standbys, isStandby] = row ?? []
  if (fsync !== "on") {
    return yield* refused("ReadOnly", "the server has fsync off and may lose what it confirmed")
  }
  if (isStandby === true) return yield* refused("ReadOnly", "the server is a standby")
  const durability: Durability = typeof standbys === "string" && standbys.trim() !== ""
    ? "replicated"
    : "local"
  if (required === "replicated" && durability !== required) {
    return yield* refused(
      "ReadOnly",
      "DURABILITY_REQUIRED is replicated and the server has no synchronous standby"
    )
  }
  return durability
})

const sql = `SELECT current_setting('fsync'), current_setting('synchronous_standby_names'),
  pg_is_in_recovery()`

const refused = (reason: "ReadOnly", detail: string) =>
  new LogUnopened({ reason, path: "DATABASE_URL", detail: `${detail}; use another server` })
