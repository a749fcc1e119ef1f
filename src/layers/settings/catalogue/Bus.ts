/**
 * The settings of shards and of what scales them.
 */
import * as Duration from "effect/Duration"
import { claimsMax } from "../../../domain/IdempotencyKey.ts"
import type { BusSettings, ScalingSettings } from "../../../services/Settings.ts"
import { workerCountRange } from "../../../services/Shards.ts"
import { integer, seconds, share, toggle } from "../Kind.ts"
import type { Machine } from "../Machine.ts"
import type { Reader } from "../Reader.ts"
import { watched } from "./Watched.ts"

const mebibyte = 1_048_576

/** Largest default of the bytes of one shard. Source: design, P8. */
const shardBytesDefaultMax = 64 * mebibyte

/** Share of the memory that all shards together may fill by default. Source: design, P8. */
const memoryShare = 0.25

/** Share of the memory that idempotency keys may fill by default. */
const keysMemoryShare = 0.1

/** What one key occupies, in bytes: 475 measured (50,000 keys in a heap), rounded up. */
const keyBytes = 512

/** Shards, their limits and their gates. */
export const bus = (reader: Reader, machine: Machine): BusSettings => {
  const { read } = reader
  const shardCount = read({
    name: "MESSAGE_BUS_SHARD_COUNT",
    kind: integer(2, 16),
    default: 8,
    meaning: "Shards in this process. A restart reads it anew; nothing stored depends on it."
  })
  const shardBytesDefault = Math.min(
    shardBytesDefaultMax,
    Math.floor(machine.memoryBytes * memoryShare / shardCount)
  )
  return {
    shardCount,
    workersPerShard: read({
      name: "MESSAGE_BUS_WORKERS_PER_SHARD",
      kind: integer(2, 8),
      default: 4,
      meaning: "Handlers that run at once per shard."
    }),
    shardMessagesMax: read({
      name: "MESSAGE_BUS_MAX_QUEUE_SIZE",
      kind: integer(1, 10_000_000),
      default: 10_000,
      meaning: "Messages that one shard holds."
    }),
    shardBytesMax: read({
      name: "MESSAGE_BUS_MAX_QUEUE_BYTES",
      kind: integer(mebibyte, 2 ** 40),
      default: Math.max(mebibyte, shardBytesDefault),
      meaning: "Bytes that one shard holds. Default: 64 MiB or 25 % of the memory over all shards."
    }),
    ...gates(reader),
    ...logLimits(reader),
    ...deduplication(reader, machine)
  }
}

/** How long and how much the log keeps. */
const logLimits = ({ read }: Reader) => ({
  logBytesMax: read({
    name: "MESSAGE_BUS_LOG_MAX_BYTES",
    kind: integer(64 * mebibyte, 2 ** 50),
    default: 8 * 1024 * mebibyte,
    meaning: "Bytes of undelivered messages in the log, by which the backlog gate closes and opens."
  }),
  retention: read({
    name: "MESSAGE_BUS_RETENTION_SECONDS",
    kind: seconds(1, 315_360_000),
    default: Duration.days(7),
    meaning: "Seconds that messages are kept which every subscription is done with."
  }),
  retentionBytesMax: read({
    name: "MESSAGE_BUS_RETENTION_BYTES",
    kind: integer(mebibyte, 2 ** 50),
    default: 8 * 1024 * mebibyte,
    meaning: "Bytes of the log above which the oldest of those messages are deleted."
  })
})

/** Which publishes count as repeats. */
const deduplication = ({ read }: Reader, machine: Machine) => ({
  dedupKeysMax: read({
    name: "DEDUP_KEYS_MAX",
    kind: integer(1, 100_000_000),
    default: Math.max(
      1,
      Math.min(
        claimsMax,
        Math.floor(machine.memoryBytes * keysMemoryShare / keyBytes)
      )
    ),
    meaning: "Idempotency keys in memory; beyond, the oldest are forgotten and counted. " +
      "Default: 1,000,000, or what 10 % of the memory holds."
  }),
  contentHash: read({
    name: "DEDUP_CONTENT_HASH",
    kind: toggle,
    default: false,
    meaning: "Treat equal messages without an idempotency key as duplicates."
  })
})

/** The fills at which a shard stops and resumes accepting messages. */
const gates = ({ areLegal, read, refuse }: Reader) => {
  const fillHigh = read({
    name: "MESSAGE_BUS_BACKPRESSURE_HIGH",
    kind: share,
    default: 0.8,
    meaning: "Fill of a shard, by count or bytes, at which it refuses publishes."
  })
  const fillLow = read({
    name: "MESSAGE_BUS_BACKPRESSURE_LOW",
    kind: share,
    default: 0.5,
    meaning: "Fill of a shard below which it accepts publishes again."
  })
  const marks = ["MESSAGE_BUS_BACKPRESSURE_LOW", "MESSAGE_BUS_BACKPRESSURE_HIGH"] as const
  if (areLegal(...marks) && fillLow >= fillHigh) {
    refuse({
      name: marks[0],
      found: `${fillLow}`,
      expected: `less than ${marks[1]} (${fillHigh})`,
      remedy: "lower it, or raise the other; their distance keeps a shard from flapping"
    })
  }
  return { fillHigh, fillLow }
}

/** What grows and shrinks by itself, and what watches over it. */
export const scaling = (
  reader: Reader,
  { shardCount, workersPerShard }: Pick<BusSettings, "shardCount" | "workersPerShard">
): ScalingSettings => {
  const { read } = reader
  const settings = {
    autoScale: read({
      name: "MESSAGE_BUS_AUTO_SCALE",
      kind: toggle,
      default: true,
      meaning: "Add and remove shards, and workers of a shard, by load."
    }),
    workersMin: read({
      name: "MESSAGE_BUS_MIN_WORKERS",
      kind: integer(workerCountRange.minimum, workerCountRange.maximum),
      default: workersPerShard,
      meaning: "Fewest workers of a shard that scaling leaves. Default: as configured."
    }),
    scaleInterval: read({
      name: "MESSAGE_BUS_SCALE_INTERVAL",
      kind: seconds(1, 3_600),
      default: Duration.seconds(60),
      meaning: "Seconds for which shards must be full, or twice that empty, and between steps."
    }),
    shardCountMin: read({
      name: "MESSAGE_BUS_MIN_SHARDS",
      kind: integer(2, 16),
      default: shardCount,
      meaning: "Fewest shards that scaling leaves. Default: MESSAGE_BUS_SHARD_COUNT."
    }),
    fillUp: read({
      name: "MESSAGE_BUS_SCALE_UP_THRESHOLD",
      kind: share,
      default: 0.8,
      meaning: "Mean fill of the shards above which one is added."
    }),
    fillDown: read({
      name: "MESSAGE_BUS_SCALE_DOWN_THRESHOLD",
      kind: share,
      default: 0.2,
      meaning: "Mean fill of the shards below which one is removed."
    }),
    ...watched(reader)
  }
  compareScaling(reader, settings, { shardCount, workersPerShard })
  return settings
}

/** Refuses bounds that contradict each other. */
const compareScaling = (
  { areLegal, refuse }: Reader,
  { fillDown, fillUp, shardCountMin, workersMin }: ScalingSettings,
  { shardCount, workersPerShard }: Pick<BusSettings, "shardCount" | "workersPerShard">
): void => {
  const marks = ["MESSAGE_BUS_SCALE_DOWN_THRESHOLD", "MESSAGE_BUS_SCALE_UP_THRESHOLD"] as const
  if (areLegal(...marks) && fillDown >= fillUp) {
    refuse({
      name: marks[0],
      found: `${fillDown}`,
      expected: `less than ${marks[1]} (${fillUp})`,
      remedy: "lower it, or raise the other"
    })
  }
  const remedy = "lower it, or raise the other"
  const counts = [
    ["MESSAGE_BUS_MIN_SHARDS", shardCountMin, "MESSAGE_BUS_SHARD_COUNT", shardCount],
    ["MESSAGE_BUS_MIN_WORKERS", workersMin, "MESSAGE_BUS_WORKERS_PER_SHARD", workersPerShard]
  ] as const
  for (const [name, found, other, limit] of counts) {
    if (areLegal(name, other) && found > limit) {
      refuse({ name, found: `${found}`, expected: `at most ${other} (${limit})`, remedy })
    }
  }
}
