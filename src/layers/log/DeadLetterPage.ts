/**
 * Which dead letters a filter means: the one rule for every log that holds them in memory.
 */
import * as Iterable from "effect/Iterable"
import type { DeadLetter, DeadLetterFilter } from "../../domain/DeadLetter.ts"

/** Those of `letters` (ascending) above `after` that pass the filter, at most `limit`. */
export const page = (
  letters: Iterable<DeadLetter>,
  filter: DeadLetterFilter,
  after: number,
  limit: number
): ReadonlyArray<DeadLetter> => {
  const ids = filter.ids === undefined ? undefined : new Set(filter.ids)
  const wanted = Iterable.filter(
    letters,
    ({ failedAt, id, message, subscription }) =>
      id > after &&
      (ids === undefined || ids.has(id)) &&
      (filter.topic === undefined || filter.topic === message.topic) &&
      (filter.subscription === undefined || filter.subscription === subscription) &&
      (filter.failedSince === undefined || failedAt >= filter.failedSince)
  )
  return [...Iterable.take(wanted, limit)]
}
