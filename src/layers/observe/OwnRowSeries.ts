/**
 * The series of own rows: deliveries that left their lane, and the limits they run into.
 */
import type { Series } from "./Samples.ts"

const one = (value: number) => [{ labels: {}, value }]

/** How many there are, their bytes in memory, and how often there was no room. */
export const ownRowSeries: ReadonlyArray<Series> = [
  {
    name: "message_bus_own_rows",
    help: "Deliveries with a row of their own: long waits, parked and replayed ones",
    type: "gauge",
    read: ({ ownRows }) => one(ownRows.count)
  },
  {
    name: "message_bus_own_row_bytes",
    help: "Bytes of their messages, which are in memory",
    type: "gauge",
    read: ({ ownRows }) => one(ownRows.bytes)
  },
  {
    name: "message_bus_own_rows_refused_total",
    help: "Deliveries that found no room for a row",
    type: "counter",
    read: ({ ownRows }) => one(ownRows.refused)
  }
]
