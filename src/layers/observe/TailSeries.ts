/**
 * The series of tails: event streams over HTTP and broadcast handlers.
 */
import type { Snapshot, TailsSnapshot } from "../../domain/Snapshot.ts"
import type { Series } from "./Samples.ts"

const one = (read: (tails: TailsSnapshot) => number) => ({ tails }: Snapshot) => [
  { labels: {}, value: read(tails) }
]

/** Without labels: a tail is anybody's. */
export const tailSeries: ReadonlyArray<Series> = [
  {
    name: "message_bus_tails",
    help: "Open tails: event streams and broadcast handlers",
    type: "gauge",
    read: one(({ open }) => open)
  },
  {
    name: "message_bus_tails_reading",
    help: "Open tails that read the log to catch up",
    type: "gauge",
    read: one(({ reading }) => reading)
  },
  {
    name: "message_bus_tail_events_total",
    help: "Messages handed to tails",
    type: "counter",
    read: one(({ events }) => events)
  },
  {
    name: "message_bus_tail_gaps_total",
    help: "Gaps that tails were told of",
    type: "counter",
    read: one(({ gaps }) => gaps)
  }
]
