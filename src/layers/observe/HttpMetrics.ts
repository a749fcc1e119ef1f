/**
 * Metrics of the HTTP edge: requests by route and status.
 *
 * Labels are bounded: routes come from the route table, methods from a list, statuses from the
 * problem catalogue.
 */
import { Counter, Gauge, Histogram, type Registry } from "prom-client"

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
  /** A connection was refused at the limit, or ended because it did not speak HTTP. */
  readonly connectionsRefused: () => void
  /** Adds a front, to be counted at each scrape. */
  readonly observe: (front: ObservedFront) => void
}

/** Seconds; from a publish in memory to the end of a long poll. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30]

const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])

interface Series {
  readonly requests: { readonly inc: () => void }
  readonly duration: { readonly observe: (seconds: number) => void }
}

/** Makes the metrics in `registry`; `limits` are shown beside them as constants. */
export const make = (
  registry: Registry,
  limits: Readonly<Record<string, number>>
): HttpMetrics => {
  const registers = [registry]
  const labelNames = ["method", "route", "status"]
  const requests = new Counter({
    name: "http_requests_total",
    help: "Requests answered",
    labelNames,
    registers
  })
  const duration = new Histogram({
    name: "http_request_duration_seconds",
    help: "From the head of a request to its reply",
    labelNames: ["method", "route"],
    buckets,
    registers
  })
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
  // Kept children: finding them by labels for every request would cost three times as much.
  const series = new Map<string, Series>()
  const seriesOf = (method: string, route: string, status: number): Series => {
    const key = `${method} ${route} ${status}`
    const known = series.get(key)
    if (known !== undefined) return known
    const made = {
      requests: requests.labels(method, route, String(status)),
      duration: duration.labels(method, route)
    }
    series.set(key, made)
    return made
  }
  return {
    finished: (method, route, status, seconds) => {
      const known = methods.has(method) ? method : "other"
      const { duration, requests } = seriesOf(known, route ?? "unmatched", status)
      requests.inc()
      duration.observe(seconds)
    },
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
