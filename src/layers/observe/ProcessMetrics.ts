/**
 * Metrics of the process: what prom-client knows, and nothing that it cannot find out here.
 */
import * as Result from "effect/Result"
import { accessSync, constants } from "node:fs"
import process from "node:process"
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client"

/** Where Linux tells of a process; not elsewhere, and Deno shows it to nobody. */
const told = "/proc/self/status"

/** Read from there, and 0 where it cannot be: no number is better than a wrong one. */
const untold = [
  "process_open_fds",
  "process_max_fds",
  "process_heap_bytes",
  "process_virtual_memory_bytes"
]

const resident = "process_resident_memory_bytes"

/** Makes the series in a registry. */
export const collectProcess = (registry: Registry): void => {
  collectDefaultMetrics({ register: registry })
  if (isReadable(told)) return
  for (const name of [...untold, resident]) registry.removeSingleMetric(name)
  const made: Gauge = new Gauge({
    name: resident,
    help: "Resident memory size in bytes.",
    registers: [registry],
    collect: () => made.set(process.memoryUsage().rss)
  })
}

const isReadable = (path: string): boolean =>
  Result.isSuccess(
    Result.try({ try: () => accessSync(path, constants.R_OK), catch: () => undefined })
  )
