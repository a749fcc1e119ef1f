/**
 * What came of settling deliveries, and of replaying dead ones.
 */

/** How many of the ack ids took effect, and which were stale or never valid. */
export interface Settled {
  readonly done: number
  readonly unknown: ReadonlyArray<string>
}

/** What a replay did, or in a dry run would do. */
export interface Replayed {
  readonly replayed: number
  readonly failed: number
  readonly remaining: number
}
