/**
 * The audit trail as it is verified: a chain of lines for each writer.
 */

/** What was found in the trail of one writer. */
export interface Verified {
  readonly writer: string
  readonly files: number
  readonly lines: number
  /** The numbers of the first and last line; older ones may have been deleted for their age. */
  readonly from: number
  readonly to: number
  /** The first line that cannot be believed, if there is one. */
  readonly broken: Broken | undefined
}

/** A line that was altered, or that does not follow the one before. Lines count from 1. */
export interface Broken {
  readonly file: string
  readonly line: number
  readonly reason: string
}
