/**
 * The series of the bus: what each is called and how it is read from a snapshot.
 *
 * Data only. Names without a unit suffix are those of the design's metrics contract (section 8),
 * which dashboards and alerts use. Every series is there from the start, at 0.
 */
import { loadOf } from "../../domain/Pod.ts"
import type { Snapshot } from "../../domain/Snapshot.ts"
import { gateSeries } from "./GateSeries.ts"
import { byShard, histogram, one, type Series } from "./Samples.ts"

/** Topics over the limit share the label `other`, which is there from the start. */
const byTopic = (counts: ReadonlyArray<readonly [topic: string, count: number]>) =>
  (counts.some(([topic]) => topic === "other") ? counts : [...counts, ["other", 0] as const])
    .map(([topic, value]) => ({ labels: { topic }, value }))

/** Without a subscription there is one empty histogram, of no subscription. */
const callbackLatency = ({ messageAge, subscriptions }: Snapshot) =>
  subscriptions.length === 0
    ? histogram({ bounds: messageAge.bounds, counts: messageAge.counts.map(() => 0), sum: 0 })
    : subscriptions.flatMap(({ callbackLatency, name }) =>
      histogram(callbackLatency, { subscription: name })
    )

/** The contract: names, labels and units of the design, section 8. */
export const contractSeries: ReadonlyArray<Series> = [
  {
    name: "message_bus_queue_size",
    help: "Messages with an unsettled delivery, which fill the gate of their shard",
    type: "gauge",
    read: ({ shards }) =>
      shards.flatMap(({ held, id: shard }) => [
        { labels: { shard, lane: "high" }, value: held.high },
        { labels: { shard, lane: "normal" }, value: held.normal }
      ])
  },
  {
    name: "message_bus_load",
    help: "Unsettled deliveries of handlers, and pulled ones: what pods are scaled by",
    type: "gauge",
    read: (snapshot) => one(loadOf(snapshot))
  },
  {
    name: "message_bus_oldest_age_seconds",
    help: "How long the oldest delivery has waited for a worker",
    type: "gauge",
    read: ({ shards }) =>
      one(shards.reduce((most, { oldestMs }) => Math.max(most, oldestMs), 0) / 1_000)
  },
  {
    name: "message_bus_message_age",
    help: "Seconds from publish to first hand-out",
    type: "histogram",
    read: ({ messageAge }) => histogram(messageAge)
  },
  {
    name: "message_bus_dispatch_duration",
    help: "Seconds from taking a delivery to its settlement",
    type: "histogram",
    read: ({ dispatchDuration }) => histogram(dispatchDuration)
  },
  {
    name: "message_bus_topic_throughput",
    help: "Messages accepted",
    type: "counter",
    read: ({ topics }) => byTopic(topics)
  },
  {
    name: "message_bus_callback_latency",
    help: "Seconds of handler runs, or from lease to ack",
    type: "histogram",
    read: callbackLatency
  },
  {
    name: "message_bus_callback_errors",
    help: "Handler runs that failed",
    type: "counter",
    read: ({ callbackErrors }) => byTopic(callbackErrors)
  },
  {
    name: "message_bus_publish_retries",
    help: "Internal retries of an append; a commit holds messages of all shards",
    type: "counter",
    read: ({ commitRetries, shards }) => [
      ...shards.map(({ id }) => ({ labels: { shard: id }, value: 0 })),
      { labels: { shard: "all" }, value: commitRetries }
    ]
  },
  {
    name: "kafka_connection_failures",
    help: "Failed connections to Kafka, which is off in this version",
    type: "counter",
    read: () => [{ labels: { reason: "other" }, value: 0 }]
  },
  {
    name: "kafka_health_check_status",
    help: "1 when Kafka is healthy; 0 when it is not, or is off",
    type: "gauge",
    read: () => one(0)
  }
]

/** What the contract does not name: in base units, counters ending in `_total`. */
export const furtherSeries: ReadonlyArray<Series> = [
  {
    name: "message_bus_commit_retries_total",
    help: "Commits of the log that failed and were tried again",
    type: "counter",
    read: ({ commitRetries }) => one(commitRetries)
  },
  {
    name: "message_bus_running",
    help: "1 while the bus takes messages",
    type: "gauge",
    read: ({ state }) => one(state === "Running" || state === "Leaving" ? 1 : 0)
  },
  {
    name: "message_bus_degraded",
    help: "Reasons why the bus is not fully well",
    type: "gauge",
    read: ({ degraded }) => one(degraded.length)
  },
  ...gateSeries,
  {
    name: "message_bus_wall_offset_seconds",
    help: "How far the wall clock is ahead of the clock of the bus, which never jumps",
    type: "gauge",
    read: ({ wallOffset }) => one(wallOffset)
  },
  {
    name: "message_bus_shard_slots",
    help: "Messages that count against the shard's gate",
    type: "gauge",
    read: byShard(({ slots }) => slots)
  },
  {
    name: "message_bus_shard_bytes",
    help: "Bytes that count against the shard's gate",
    type: "gauge",
    read: byShard(({ bytes }) => bytes)
  },
  {
    name: "message_bus_shard_workers",
    help: "Workers",
    type: "gauge",
    read: byShard(({ workers }) => workers)
  },
  {
    name: "message_bus_shard_in_flight",
    help: "Handlers that run",
    type: "gauge",
    read: byShard(({ inFlight }) => inFlight)
  },
  {
    name: "message_bus_worker_restarts_total",
    help: "Workers that ended by a defect and were started again",
    type: "counter",
    read: byShard(({ workerRestarts }) => workerRestarts)
  }
]
