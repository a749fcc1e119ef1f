import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { issuesOf, namesOf, settingsOf } from "./Reading.ts"

/** Variables, each illegal by itself: name and text. */
const illegal: ReadonlyArray<readonly [name: string, text: string]> = [
  ...["1", "17", "abc", "8.5", "NaN", "Infinity", "-3", "0x8", "1e1", "8 8", "９"].map((text) =>
    ["MESSAGE_BUS_SHARD_COUNT", text] as const
  ),
  ["MESSAGE_BUS_WORKERS_PER_SHARD", "1"],
  ["MESSAGE_BUS_WORKERS_PER_SHARD", "9"],
  ["MESSAGE_BUS_MAX_QUEUE_SIZE", "0"],
  ["MESSAGE_BUS_MAX_QUEUE_SIZE", "99999999999999999999"],
  ["MESSAGE_BUS_MAX_QUEUE_BYTES", "1000"],
  ["MESSAGE_BUS_LOG_MAX_BYTES", "8GiB"],
  ["MESSAGE_BUS_RETENTION_SECONDS", "7d"],
  ["MESSAGE_BUS_RETENTION_BYTES", "-1"],
  ["DEDUP_KEYS_MAX", "0"],
  ["DEDUP_CONTENT_HASH", "perhaps"],
  ["MESSAGE_BUS_BACKPRESSURE_HIGH", "0"],
  ["MESSAGE_BUS_BACKPRESSURE_HIGH", "1.1"],
  ["MESSAGE_BUS_BACKPRESSURE_HIGH", "0.5"],
  ["MESSAGE_BUS_BACKPRESSURE_LOW", "0.8"],
  ["MESSAGE_BUS_SCALE_UP_THRESHOLD", "NaN"],
  ["MESSAGE_BUS_SCALE_UP_THRESHOLD", "0.2"],
  ["MESSAGE_BUS_SCALE_DOWN_THRESHOLD", "0.8"],
  ["MESSAGE_BUS_MIN_SHARDS", "1"],
  ["MESSAGE_BUS_MIN_SHARDS", "9"],
  ["MESSAGE_BUS_MIN_WORKERS", "1"],
  ["MESSAGE_BUS_MIN_WORKERS", "5"],
  ["MESSAGE_BUS_SCALE_INTERVAL", "0"],
  ["MESSAGE_BUS_AUTO_SCALE", "maybe"],
  ["ENABLE_MESSAGE_BUS_GUARDIAN", "yes please"],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"],
  ["OTEL_SERVICE_NAME", "two words"],
  ["AUDIT_DIR", "a\0b"],
  ["GUARDIAN_WEBHOOK_URL", "ftp://alerts.example"],
  ["MESSAGE_BUS_GUARDIAN_INTERVAL", "0"],
  ["HOST", "0.0.0.0"],
  ["HOST", "::"],
  ["HOST", "not a host"],
  ["HOST", "127.0.0.1.evil.example"],
  ["PORT", "65536"],
  ["PORT", "-1"],
  ["PORT", "9090"],
  ["METRICS_PORT", "8000"],
  ["METRICS_PORT", "http"],
  ["ALLOW_ANONYMOUS", "2"],
  ["API_KEYS_FILE", "a\0b"],
  ["TRUST_PROXY", "10.0.0.1"],
  ["RATE_LIMIT_MAX_REQUESTS", "-1"],
  ["RATE_LIMIT_WINDOW_SECONDS", "0"],
  ["STARTUP_TIMEOUT", "0"],
  ["PRESTOP_DELAY_SECONDS", "-1"],
  ["DRAIN_SECONDS", "forever"],
  ["ENABLE_DATABASE", "2"],
  ["DATA_DIR", "a\0b"],
  ["DURABILITY_REQUIRED", "eventually"],
  ["DURABILITY_REQUIRED", "replicated"],
  ["DATABASE_URL", "postgres://user:hunter2@"],
  ["DATABASE_URL", "mysql://user:hunter2@db/bus"],
  ["ENABLE_CITUS", "perhaps"],
  ["DB_POOL_SIZE", "0"],
  ["DB_POOL_MAX_OVERFLOW", "-1"],
  ["DB_POOL_TIMEOUT", "0"],
  ["DB_POOL_RECYCLE", "0"],
  ["DB_RETRY_ATTEMPTS", "-1"],
  ["DB_RETRY_DELAY", "0"],
  ["DB_REPLICA_URLS", "postgres://replica/bus,nonsense"],
  ["DB_REPLICA_LAG_MAX", "0"],
  ["ENABLE_REDIS", "maybe"],
  ["REDIS_URL", "localhost:6379"],
  ["REDIS_URL", "redis://one,two"],
  ["REDIS_USERNAME", "two words"],
  ["REDIS_PASSWORD", "x".repeat(1_025)],
  ["REDIS_KEY_PREFIX", "{bus}:"],
  ["ENABLE_DISTRIBUTED_LOCKS", "maybe"],
  ["SINGLE_POD", "perhaps"],
  ["POD_ADDRESS", "not a host"],
  ["POD_PORT", "0"],
  ["ENABLE_KAFKA", "1"],
  ["KAFKA_BROKERS", "localhost"],
  ["KAFKA_SINK_CONCURRENCY", "0"],
  ["AGENTS_DIR", "no-such-directory"],
  ["EXECUTOR_THREADS", "65"],
  ["AGENTS_DIR", "package.json"],
  ["PARALLEL_AGENT_LOADING", "perhaps"],
  ["LAZY_LOAD_ML", "2"],
  ["SKIP_IMPORT_VALIDATION", "skip"],
  ["AGENTS_WATCH", "always"]
]

/** Where a contradiction between two settings is reported at the other one. */
const reportedAt: Readonly<Record<string, string>> = {
  "MESSAGE_BUS_BACKPRESSURE_HIGH=0.5": "MESSAGE_BUS_BACKPRESSURE_LOW",
  "MESSAGE_BUS_SCALE_UP_THRESHOLD=0.2": "MESSAGE_BUS_SCALE_DOWN_THRESHOLD",
  "PORT=9090": "METRICS_PORT"
}

describe("settings that are illegal", () => {
  it.effect.each(illegal)("%s=%s is refused by name", ([name, text]) =>
    Effect.gen(function*() {
      assert.include(
        yield* namesOf({ [name]: text }),
        reportedAt[`${name}=${text}`] ?? name
      )
    }))

  it.effect("every setting there is stands in the table of illegal ones", () =>
    Effect.gen(function*() {
      const { shown } = yield* settingsOf({})
      const tested = new Set(illegal.map(([name]) => name))
      assert.deepStrictEqual(shown.map(({ name }) => name).filter((name) => !tested.has(name)), [])
    }))

  it.effect("behaviour 79: all of them are reported at once, with what was expected", () =>
    Effect.gen(function*() {
      const issues = yield* issuesOf({
        MESSAGE_BUS_SHARD_COUNT: "abc",
        MESSAGE_BUS_WORKERS_PER_SHARD: "9",
        PORT: "x",
        ENABLE_REDIS: "1",
        MESSAGE_BUS_SHARD_CONT: "3"
      })
      assert.deepStrictEqual(issues.map(({ name }) => name), [
        "MESSAGE_BUS_SHARD_COUNT",
        "MESSAGE_BUS_WORKERS_PER_SHARD",
        "PORT",
        "REDIS_URL",
        "MESSAGE_BUS_SHARD_CONT"
      ])
      assert.deepStrictEqual(issues[0], {
        name: "MESSAGE_BUS_SHARD_COUNT",
        found: "\"abc\"",
        expected: "a whole number from 2 to 16",
        remedy: "unset it to have 8"
      })
    }))

  it.effect("a feature that is switched on needs its address", () =>
    Effect.gen(function*() {
      assert.include(yield* namesOf({ ENABLE_REDIS: "1" }), "REDIS_URL")
      assert.include(yield* namesOf({ ENABLE_KAFKA: "1" }), "KAFKA_BROKERS")
      assert.include(yield* namesOf({ ENABLE_CITUS: "1" }), "DATABASE_URL")
      assert.notInclude(
        yield* namesOf({ ENABLE_REDIS: "1", REDIS_URL: "redis://localhost:6379" }),
        "REDIS_URL"
      )
    }))

  it.effect("durability that cannot be had is refused", () =>
    Effect.gen(function*() {
      const name = "DURABILITY_REQUIRED"
      assert.deepStrictEqual(yield* namesOf({ [name]: "local" }), [])
      assert.deepStrictEqual(yield* namesOf({ [name]: "local", ENABLE_DATABASE: "0" }), [name])
      assert.deepStrictEqual(yield* namesOf({ [name]: "memory", ENABLE_DATABASE: "0" }), [])
      const database = { DATABASE_URL: "postgres://bus@db/bus" } // It says what it reaches.
      assert.deepStrictEqual(yield* namesOf({ [name]: "replicated", ...database }), [])
    }))

  it.effect("a wrong value is shown on one line and not at any length", () =>
    Effect.gen(function*() {
      const [issue] = yield* issuesOf({ PORT: `1\n2${"x".repeat(10_000)}` })
      assert.notInclude(issue?.found, "\n")
      assert.isBelow(issue?.found.length ?? Infinity, 120)
    }))
})
