/**
 * The series of the fibres that keep a bus going.
 */
import type { Series } from "./Samples.ts"

/** By the name of the fibre. */
export const fibreSeries: ReadonlyArray<Series> = [
  {
    name: "message_bus_fibre_restarts_total",
    help: "Fibres of the bus that a bug ended and that were started again",
    type: "counter",
    read: ({ fibreRestarts }) =>
      fibreRestarts.map(([fibre, value]) => ({ labels: { fibre }, value }))
  }
]
