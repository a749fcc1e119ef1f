/**
 * What the load generators are told, and what they answer.
 */

/** A request of a plan. */
export interface Body {
  readonly path: string
  readonly body: string
}

/** One run: `requests` in all, over `connections`, the bodies by turns. */
export interface Plan {
  readonly port: number
  readonly connections: number
  readonly requests: number
  readonly bodies: ReadonlyArray<Body>
  /** Requests a second; as fast as answers come when it is left out. */
  readonly rate?: number
}

/** How it went; latencies are milliseconds, statuses are counted by their code. */
export interface Result {
  readonly seconds: number
  readonly statuses: Readonly<Record<string, number>>
  readonly p50: number
  readonly p99: number
}

/** One run of listeners: so many connections to a stream, and what is published meanwhile. */
export interface ListenPlan {
  readonly port: number
  readonly path: string
  readonly listeners: number
  /** Publishes, each of which every listener must see, over so many connections. */
  readonly publishes: number
  readonly publishers: number
  readonly publish: Body
}

/** What the listeners saw. */
export interface Listened {
  readonly seconds: number
  readonly events: number
}
