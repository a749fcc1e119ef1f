/**
 * Commands that were added after the first seeds were kept.
 */

/** One of them. */
export type MoreAction = {
  /** Attaches a handler whose errors have fates. */
  readonly kind: "attachFates"
  readonly name: string
  readonly badness: number
}
