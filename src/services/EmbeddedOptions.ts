/**
 * Options of a bus inside another program.
 */
import * as Schema from "effect/Schema"
import { ShardCount } from "../domain/Ring.ts"
import { Watermarks } from "../domain/Watermark.ts"

/** What an embedding program can be told; everything has a default. */
export const EmbeddedOptions = Schema.Struct({
  /** `local` unless set, and `postgres` when there is a `databaseUrl`. */
  profile: Schema.optionalKey(Schema.Literals(["memory", "local", "postgres"])),
  /** The database of profile `postgres`, `postgres://user:password@host:5432/name`. */
  databaseUrl: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^postgres(ql)?:\/\/[^/]/))
  ),
  /**
   * A Redis to share locks, idempotency keys and sessions over with other processes:
   * `redis://user:password@host:6379/0`, `rediss://`, `redis+cluster://`, `redis+sentinel://`.
   */
  redisUrl: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^rediss?(\+\w+)?:\/\/[^/]/))),
  /** Begins every key there; `codefactory:` unless set. */
  redisPrefix: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^[A-Za-z0-9._:-]{1,64}$/))
  ),
  /** Folder of the embedded store, `./data` unless set; ignored in memory. */
  dataDir: Schema.optionalKey(Schema.NonEmptyString),
  /** 2 to 16; 8 unless set. */
  shardCount: Schema.optionalKey(ShardCount),
  /** Handlers that run at once per shard: 2 to 8; 4 unless set. */
  workersPerShard: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 8 }))
  ),
  /** Adds shards (up to 16) and their workers (up to 8) under load; not unless set. */
  autoScale: Schema.optionalKey(Schema.Boolean),
  /** Messages one shard holds; 10,000 unless set. */
  shardMessagesMax: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
  /** Treat equal messages without an idempotency key as duplicates; not unless set. */
  contentHash: Schema.optionalKey(Schema.Boolean),
  /** How long messages are kept that every subscription is done with: 604,800,000 ms unless set. */
  retentionMs: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1_000))),
  /** Bytes of the log above which the oldest of those are deleted; 8 GiB unless set. */
  retentionBytesMax: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(2 ** 20))),
  /** Bytes of undelivered messages, by which the backlog gate moves; 8 GiB unless set. */
  logBytesMax: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(2 ** 20))),
  /** Directory of agents to load at start; without, there are none. One that fails is logged. */
  agentsDir: Schema.optionalKey(Schema.NonEmptyString),
  /** Threads that run their handlers, up to 64; 0 unless set: this one. */
  executorThreads: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 64 }))
  ),
  /** Fills, 0 to 1, at which a shard stops and resumes taking messages; 0.8 and 0.5 unless set. */
  watermarks: Schema.optionalKey(Watermarks)
})
/** Checked options. */
export type EmbeddedOptions = typeof EmbeddedOptions.Type
