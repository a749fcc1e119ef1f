/**
 * The series of retention: what the log keeps, what it deleted, and the gate before it.
 */
import type { RetentionSnapshot } from "../../domain/Snapshot.ts"
import { one, type Series } from "./Samples.ts"

const series = (
  name: string,
  help: string,
  read: (retention: RetentionSnapshot) => number,
  type: "gauge" | "counter" = "gauge"
): Series => ({
  name: `message_bus_${name}`,
  help,
  type,
  read: ({ retention }) => one(read(retention))
})

/** In base units; counters end in `_total`. */
export const retentionSeries: ReadonlyArray<Series> = [
  series("log_bytes", "Bytes that the log occupies", ({ logBytes }) => logBytes),
  series(
    "log_oldest_timestamp_seconds",
    "When the oldest retained message entered the log; 0 when there is none",
    ({ oldest }) => (oldest ?? 0) / 1_000
  ),
  series(
    "log_deleted_total",
    "Messages that retention deleted",
    ({ deleted }) => deleted,
    "counter"
  ),
  series("delayed", "Messages that wait for their time", ({ delayed }) => delayed),
  series("delayed_limit", "Most that may wait for their time", ({ delayedMax }) => delayedMax),
  series(
    "backlog_bytes",
    "Bytes of the log that a subscription still needs",
    ({ backlogBytes }) => backlogBytes
  ),
  series(
    "backlog_limit_bytes",
    "Bytes of the backlog at which its fill is 1",
    ({ backlogBytesMax }) => backlogBytesMax
  ),
  series(
    "backlog_gate_closed",
    "1 while publishes are refused because of the backlog",
    ({ backlogGate }) => backlogGate === "Closed" ? 1 : 0
  )
]
