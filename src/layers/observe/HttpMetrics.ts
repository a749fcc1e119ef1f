/**
 * Metrics of the HTTP edge: requests by route and status.
 *
 * Labels are bounded: routes come from the route table, methods from a list, statuses from the
 * problem catalogue.
 */
import { Counter, Gauge, type Registry } from "prom-client"
import { RequestCounts } from "./RequestCounts.ts"
import type { Sampled } from "./Samples.ts"

/** What is counted of a front: requests not answered yet, and connections. */
export interface ObservedFront {
  readonly inFlight: () => number
  readonly connections: () => number
  /** Bytes of replies that wait for their clients to read them. */
  readonly unreadBytes: () => number
  /** Connections cut because too many of these bytes waited. */
  readonly unreadCut: () => number
}

/** What a front tells about its requests. */
export interface HttpMetrics {
  /** One request was answered; `route` is the pattern, `undefined` when no route took it. */
  readonly finished: (
    method: string,
    route: string | undefined,
    status: number,
    seconds: number
  ) => void
  /** What was told of requests, for a scrape. */
  readonly read: () => ReadonlyArray<Sampled>
  /** A connection was refused at the limit, or ended because it did not speak HTTP. */
  readonly connectionsRefused: () => void
  /** Adds a front, to be counted at each scrape. */
  readonly observe: (front: ObservedFront) => void
}

const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])

/** Makes the metrics in `registry`; `limits` are shown beside them as constants. */
export const make = (
  registry: Registry,
  limits: Readonly<Record<string, number>>
): HttpMetrics => {
  const registers = [registry]
  const counts = new RequestCounts()
  const refused = new Counter({
    name: "http_connections_refused_total",
    help: "Connections refused at the limit or ended because they did not speak HTTP",
    registers
  })
  const limit = new Gauge({
    name: "http_edge_limit",
    help: "Limits of the edge",
    labelNames: ["name"],
    registers
  })
  for (const [name, value] of Object.entries(limits)) limit.set({ name }, value)
  return {
    finished: (method, route, status, seconds) => {
      const known = methods.has(method) ? method : "other"
      counts.add(known, route ?? "unmatched", status, seconds)
    },
    read: () => [
      {
        name: "http_requests_total",
        help: "Requests answered",
        type: "counter",
        samples: counts.requests()
      },
      {
        name: "http_request_duration_seconds",
        help: "From the head of a request to its reply",
        type: "histogram",
        samples: counts.durations()
      }
    ],
    connectionsRefused: () => refused.inc(),
    observe: observeFronts(registry)
  }
}

const observeFronts = (registry: Registry) => {
  const fronts: Array<ObservedFront> = []
  const gauge = (name: string, help: string, count: (front: ObservedFront) => number) => {
    const made: Gauge = new Gauge({
      name,
      help,
      registers: [registry],
      collect: () => made.set(fronts.reduce((sum, front) => sum + count(front), 0))
    })
  }
  gauge("http_requests_in_flight", "Requests not answered yet", ({ inFlight }) => inFlight())
  gauge("http_connections", "Open connections", ({ connections }) => connections())
  gauge(
    "http_unread_reply_bytes",
    "Bytes of large replies that wait for their clients",
    ({ unreadBytes }) => unreadBytes()
  )
  const cut: Counter = new Counter({
    name: "http_unread_replies_cut_total",
    help: "Connections cut because too many bytes of replies waited",
    registers: [registry],
    collect: () => {
      cut.reset()
      cut.inc(fronts.reduce((sum, { unreadCut }) => sum + unreadCut(), 0))
    }
  })
  return (front: ObservedFront) => void fronts.push(front)
}
