/**
 * The shards of a running bus, as they come over HTTP and as a table.
 */
import * as Schema from "effect/Schema"
import { grouped, table } from "./Table.ts"

/** The answer of `/v1/shards`. */
export const Shards = Schema.Struct({
  shards: Schema.Array(Schema.Struct({
    id: Schema.Int,
    state: Schema.String,
    queued: Schema.Struct({ high: Schema.Int, normal: Schema.Int }),
    bytes: Schema.Int,
    workers: Schema.Int,
    inFlight: Schema.Int
  }))
})

/** One line per shard. */
export const shardTable = (shards: typeof Shards.Type["shards"]): string =>
  table(
    ["SHARD", "STATE", "HIGH", "NORMAL", "BYTES", "WORKERS", "IN FLIGHT"],
    shards.map(({ bytes, id, inFlight, queued, state, workers }) => [
      String(id),
      state,
      ...[queued.high, queued.normal, bytes, workers, inFlight].map(grouped)
    ])
  )
