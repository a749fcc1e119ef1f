/**
 * What a commit of this server survives, asked of the server itself.
 */
import * as Effect from "effect/Effect"
import { type Durability, LogUnopened } from "../../../services/MessageLog.ts"
import type { Querying } from "../../drivers/postgres/Database.ts"

/**
 * `replicated` when each commit waits for a synchronous standby, otherwise `local`. A server that
 * does not sync, or is a standby itself, is refused: it would promise what it does not keep. Of
 * servers that Citus distributes over, the weakest counts.
 */
export const durabilityOf = Effect.fnUntraced(function*(
  database: Querying,
  isDistributed: boolean,
  required: Durability | undefined
) {
  const [row] = yield* database.query("durability", sql)
  if (row?.[2] === true) return yield* refused("ReadOnly", "the server is a standby")
  const workers = isDistributed ? yield* database.query("durability of workers", workersSql) : []
  const servers = [row ?? [], ...workers]
  if (servers.some(([fsync]) => fsync !== "on")) {
    return yield* refused("ReadOnly", "the server has fsync off and may lose what it confirmed")
  }
  const durability: Durability = servers.every(([, standbys]) => standbys === true)
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

const sql = `SELECT current_setting('fsync'),
  trim(current_setting('synchronous_standby_names')) <> '', pg_is_in_recovery()`

/** A server that does not answer says nothing of its disk, and is taken for one without. */
const workersSql = `SELECT CASE WHEN success THEN split_part(result, ' ', 1) ELSE '' END,
  success AND trim(split_part(result, ' ', 2)) <> ''
  FROM run_command_on_workers($$SELECT current_setting('fsync') || ' ' ||
    replace(current_setting('synchronous_standby_names'), ' ', '')$$)`

const refused = (reason: "ReadOnly", detail: string) =>
  new LogUnopened({ reason, path: "DATABASE_URL", detail: `${detail}; use another server` })
