/**
 * What the load generator is told, and what it answers.
 */

/** One run: `requests` in all, over `connections`, the bodies by turns. */
export interface Plan {
  readonly port: number
  readonly connections: number
  readonly requests: number
  readonly bodies: ReadonlyArray<{ readonly path: string; readonly body: string }>
}

/** How it went; latencies are milliseconds, statuses are counted by their code. */
export interface Result {
  readonly seconds: number
  readonly statuses: Readonly<Record<string, number>>
  readonly latencies: ReadonlyArray<number>
}
