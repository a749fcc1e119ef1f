/**
 * Counts of requests by route, method and status, with a histogram of their durations.
 *
 * Counted in plain fields and made into samples at a scrape. Measured: prom-client looks the labels
 * of a child up anew for each observation, which cost a publish under Deno a twentieth of its time.
 */
import { histogram, type Sample } from "./Samples.ts"

/** Seconds; from a publish in memory to the end of a long poll. */
const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30]

/** Of one method of one route. Mutable: counts. */
interface RouteCounts {
  readonly labels: { readonly method: string; readonly route: string }
  readonly statuses: Map<number, { count: number }>
  readonly durations: Float64Array
  sum: number
}

/** All counts: there are as many as there are routes. Mutable on purpose. */
export class RequestCounts {
  readonly #routes = new Map<string, Map<string, RouteCounts>>()

  /** Counts one request; hot, as it runs for every one. */
  add(method: string, route: string, status: number, seconds: number): void {
    const counts = this.#routes.get(route)?.get(method) ?? this.#first(method, route)
    const known = counts.statuses.get(status)
    if (known === undefined) counts.statuses.set(status, { count: 1 })
    else known.count++
    let at = 0 // Few turns: most requests are short.
    while (at < bounds.length && seconds > (bounds[at] ?? 0)) at++
    counts.durations[at] = (counts.durations[at] ?? 0) + 1
    counts.sum += seconds
  }

  #first(method: string, route: string): RouteCounts {
    const durations = new Float64Array(bounds.length + 1)
    const made = { labels: { method, route }, statuses: new Map(), durations, sum: 0 }
    const methods = this.#routes.get(route) ?? new Map<string, RouteCounts>()
    this.#routes.set(route, methods.set(method, made))
    return made
  }

  #all(): ReadonlyArray<RouteCounts> {
    return Array.from(this.#routes.values()).flatMap((methods) => Array.from(methods.values()))
  }

  /** The requests by status. */
  requests(): ReadonlyArray<Sample> {
    return this.#all().flatMap(({ labels, statuses }) =>
      Array.from(statuses, ([status, { count }]) => ({
        labels: { ...labels, status },
        value: count
      }))
    )
  }

  /** The durations. */
  durations(): ReadonlyArray<Sample> {
    return this.#all().flatMap(({ durations, labels, sum }) =>
      histogram({ bounds, counts: Array.from(durations), sum }, labels)
    )
  }
}
