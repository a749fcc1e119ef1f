/**
 * Metrics of the rate limiter. Clients are no label: there may be 100,000 of them.
 */
import { Counter, Gauge, type Registry } from "prom-client"
import { clientsMax, type RateCounts } from "../../services/RateLimits.ts"

/** Makes the series; they are read from the limiter at each scrape. */
export const observeLimiter = (registry: Registry) => (counts: () => RateCounts): void => {
  const registers = [registry]
  const clients: Gauge = new Gauge({
    name: "rate_limit_clients",
    help: "Clients that the rate limiter tells apart",
    registers,
    collect: () => clients.set(counts().clients)
  })
  const limit = new Gauge({
    name: "rate_limit_clients_max",
    help: "Clients that the rate limiter tells apart at most",
    registers
  })
  limit.set(clientsMax)
  const counter = (name: string, help: string, read: (counts: RateCounts) => number) => {
    const made: Counter = new Counter({
      name,
      help,
      registers,
      collect: () => {
        made.reset()
        made.inc(read(counts()))
      }
    })
  }
  counter("rate_limit_refused_total", "Publish requests refused by rate", ({ refused }) => refused)
  counter(
    "rate_limit_evicted_total",
    "Clients forgotten within their window, because more came than are kept",
    ({ evicted }) => evicted
  )
}
