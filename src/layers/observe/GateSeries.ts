/**
 * The series of gates: how full shards are and which of them refuse.
 */
import { byShard, type Series } from "./Samples.ts"

/** Fill, gate and pause per shard, and what the bus decided. */
export const gateSeries: ReadonlyArray<Series> = [
  {
    name: "message_bus_shard_fill_ratio",
    help: "Fill by count or bytes, whichever is more; the gate closes at the high watermark",
    type: "gauge",
    read: byShard(({ fill }) => fill)
  },
  {
    name: "message_bus_shard_gate_closed",
    help: "1 while the shard refuses publishes because it is full",
    type: "gauge",
    read: byShard(({ gate }) => gate === "Closed" ? 1 : 0)
  },
  {
    name: "message_bus_shard_paused",
    help: "1 while an operator lets the shard refuse publishes",
    type: "gauge",
    read: byShard(({ paused }) => paused ? 1 : 0)
  },
  {
    name: "message_bus_decisions_total",
    help: "Decisions kept, at /v1/decisions the newest of them",
    type: "counter",
    read: ({ decisions }) => [{ labels: {}, value: decisions }]
  },
  {
    name: "message_bus_announcement_failures_total",
    help: "Listeners of announcements that failed",
    type: "counter",
    read: ({ announcementFailures }) => [{ labels: {}, value: announcementFailures }]
  }
]
