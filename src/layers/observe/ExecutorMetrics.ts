/**
 * Metrics of the executor: its threads, and what became of those and of what they ran.
 */
import { Counter, Gauge, type Registry } from "prom-client"
import type { ExecutorSnapshot } from "../../services/Executor.ts"

/** Makes the series; they are read from the executor at each scrape. */
export const observeExecutor = (registry: Registry) => (snapshot: () => ExecutorSnapshot): void => {
  const registers = [registry]
  const gauge = (name: string, help: string, read: (now: ExecutorSnapshot) => number) => {
    const made: Gauge = new Gauge({
      name: `message_bus_executor_${name}`,
      help,
      registers,
      collect: () => made.set(read(snapshot()))
    })
  }
  const counter = (name: string, help: string, read: (now: ExecutorSnapshot) => number) => {
    const made: Counter = new Counter({
      name: `message_bus_executor_${name}_total`,
      help,
      registers,
      collect: () => {
        made.reset()
        made.inc(read(snapshot()))
      }
    })
  }
  gauge("threads", "Threads that run handlers of agents", ({ threads }) => threads)
  gauge("running", "Deliveries handed to them without an outcome yet", (now) => now.running)
  gauge("waiting", "Deliveries that wait for a thread", ({ waiting }) => waiting)
  gauge("credits", "Deliveries that all threads may hold at most", ({ credits }) => credits)
  gauge("heap_bytes", "Heap of those threads, as last asked", ({ heapBytes }) => heapBytes)
  gauge("suspects", "Deliveries that run alone because a thread was lost", (now) => now.suspects)
  gauge("suspects_max", "Suspects that are remembered at most", (now) => now.suspectsMax)
  counter("recycled", "Threads replaced after their number of deliveries", (now) => now.recycled)
  counter("terminated", "Threads ended because a handler did not let go", (n) => n.terminated)
  counter("crashed", "Threads that ended by themselves", ({ crashed }) => crashed)
  counter("lost", "Deliveries whose thread ended under them", ({ lost }) => lost)
}
