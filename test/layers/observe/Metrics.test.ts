import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Snapshot } from "../../../src/domain/Snapshot.ts"
import { make } from "../../../src/layers/observe/Metrics.ts"
import { type ExecutorSnapshot, nothingRun } from "../../../src/services/Executor.ts"

const histogram = { bounds: [0.001, 0.01], counts: [0, 0, 0], sum: 0 }

const atStart: Snapshot = {
  state: "Running",
  shards: [{
    id: 0,
    queued: { high: 0, normal: 0 },
    slots: 0,
    held: { high: 0, normal: 0 },
    oldestMs: 0,
    fill: 0,
    gate: "Open",
    paused: false,
    bytes: 0,
    workers: 4,
    inFlight: 0,
    workerRestarts: 0
  }],
  subscriptions: [],
  published: 0,
  unrouted: 0,
  duplicates: 0,
  idempotency: { keys: 0, keysMax: 0, inFlight: 0, forgotten: 0 },
  hooks: { before: 0, after: 0, afterFailed: 0, afterDropped: 0 },
  requests: { waiting: 0, waitingMax: 1, answered: 0, timedOut: 0, repliesIgnored: 0 },
  refused: {},
  topics: [],
  callbackErrors: [],
  messageAge: histogram,
  dispatchDuration: histogram,
  wallOffset: 0,
  retention: {
    logBytes: 0,
    oldest: undefined,
    deleted: 0,
    delayed: 0,
    delayedMax: 9,
    backlogBytes: 0,
    backlogBytesMax: 9,
    backlogGate: "Open"
  },
  decisions: 0,
  announcementFailures: 0,
  fibreRestarts: [],
  ownRows: { count: 0, bytes: 0, refused: 0 },
  tails: { open: 0, reading: 0, events: 0, gaps: 0 },
  commitRetries: 0,
  degraded: []
}

const scrapeExecutor = (now: Partial<ExecutorSnapshot>) => {
  const metrics = make(() => atStart, {})
  metrics.executor(() => ({ ...nothingRun, ...now }))
  return metrics.text
}

const scrape = (snapshot: Snapshot) => make(() => snapshot, { bodyBytesMax: 5 }).text

/** The series of the design's metrics contract, section 8, as they are before the first message. */
const contract = [
  "message_bus_queue_size{shard=\"0\",lane=\"high\"} 0",
  "message_bus_queue_size{shard=\"0\",lane=\"normal\"} 0",
  "message_bus_message_age_bucket{le=\"+Inf\"} 0",
  "message_bus_message_age_count 0",
  "message_bus_dispatch_duration_sum 0",
  "message_bus_topic_throughput{topic=\"other\"} 0",
  "message_bus_callback_latency_count 0",
  "message_bus_callback_errors{topic=\"other\"} 0",
  "message_bus_publish_retries{shard=\"0\"} 0",
  "kafka_connection_failures{reason=\"other\"} 0",
  "kafka_health_check_status 0",
  "message_bus_refused_total{error=\"ShardFull\"} 0",
  "message_bus_log_deleted_total 0",
  "message_bus_delayed 0",
  "message_bus_backlog_bytes 0",
  "http_edge_limit{name=\"bodyBytesMax\"} 5"
]

describe("metrics", () => {
  it.effect("of the contract are there at 0 from the start, under exactly their names", () =>
    Effect.gen(function*() {
      const lines = (yield* scrape(atStart)).split("\n")
      for (const line of contract) assert.include(lines, line)
      assert.include(lines, "# TYPE message_bus_message_age histogram")
      assert.include(lines, "# TYPE message_bus_topic_throughput counter")
      assert.include(lines, "# TYPE message_bus_queue_size gauge")
      assert.isTrue(lines.some((line) => line.startsWith("process_cpu_seconds_total")))
    }))

  it.effect("follow the snapshot; the buckets of a histogram are cumulative", () =>
    Effect.gen(function*() {
      const latency = { bounds: [0.001, 0.01], counts: [1, 2, 3], sum: 7.5 }
      const counts = {
        matched: 9,
        unread: 0,
        replayed: 1,
        acked: 4,
        deadLettered: 2,
        expired: 0,
        dropped: 0
      }
      const live = {
        pending: 4,
        parked: 1,
        inFlight: 1,
        deadLetters: 2,
        filterErrors: 0,
        redelivered: 3,
        mode: "log" as const,
        spills: 5
      }
      const text = yield* scrape({
        ...atStart,
        published: 12,
        wallOffset: -1.5,
        commitRetries: 2,
        refused: { ShardFull: 6 },
        topics: [["a", 10], ["other", 2]],
        callbackErrors: [["a\"b", 1]],
        subscriptions: [
          { name: "s", consumer: "Pull", ...counts, ...live, callbackLatency: latency }
        ]
      })
      const expected = [
        "message_bus_published_total 12",
        "message_bus_wall_offset_seconds -1.5",
        "message_bus_topic_throughput{topic=\"a\"} 10",
        "message_bus_topic_throughput{topic=\"other\"} 2",
        "message_bus_callback_errors{topic=\"a\\\"b\"} 1",
        "message_bus_callback_latency_bucket{subscription=\"s\",le=\"0.001\"} 1",
        "message_bus_callback_latency_bucket{subscription=\"s\",le=\"0.01\"} 3",
        "message_bus_callback_latency_bucket{subscription=\"s\",le=\"+Inf\"} 6",
        "message_bus_callback_latency_sum{subscription=\"s\"} 7.5",
        "message_bus_callback_latency_count{subscription=\"s\"} 6",
        "message_bus_publish_retries{shard=\"all\"} 2",
        "message_bus_refused_total{error=\"ShardFull\"} 6",
        "message_bus_subscription_acked_total{subscription=\"s\"} 4",
        "message_bus_subscription_spills_total{subscription=\"s\"} 5",
        "message_bus_subscription_live{subscription=\"s\"} 0",
        "message_bus_subscription_pending{subscription=\"s\"} 4"
      ]
      for (const line of expected) assert.include(text.split("\n"), line)
    }))

  it.effect("pitfall 53: of two buses in one process do not clash, nor count for each other", () =>
    Effect.gen(function*() {
      const first = make(() => atStart, {})
      const second = make(() => atStart, {})
      first.http.finished("POST", "/v1/messages", 202, 0.001)
      first.http.finished("BREW", undefined, 405, 0.001)
      const counted = "http_requests_total{method=\"POST\",route=\"/v1/messages\",status=\"202\"} 1"
      const lines = (yield* first.text).split("\n")
      assert.include(lines, counted)
      assert.include(
        lines,
        "http_requests_total{method=\"other\",route=\"unmatched\",status=\"405\"} 1"
      )
      assert.notInclude((yield* second.text).split("\n"), counted)
    }))

  it.effect("keep one name and one type for each series", () =>
    Effect.gen(function*() {
      const types = (yield* scrape(atStart)).split("\n").filter((line) => line.startsWith("# TYPE"))
      const names = types.map((line) => line.split(" ")[2])
      assert.deepStrictEqual(names, Array.from(new Set(names)))
    }))

  it.effect("tells of the executor, from 0 on, and counts what became of threads", () =>
    Effect.gen(function*() {
      const before = yield* scrapeExecutor({})
      assert.include(before, "message_bus_executor_threads 0\n")
      assert.include(before, "message_bus_executor_lost_total 0\n")
      const after = yield* scrapeExecutor({ threads: 3, waiting: 2, terminated: 4, heapBytes: 9 })
      for (const line of ["threads 3", "waiting 2", "terminated_total 4", "heap_bytes 9"]) {
        assert.include(after, `message_bus_executor_${line}\n`)
      }
    }))
})
