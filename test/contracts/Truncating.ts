/** Truncating a log to the end, for tests. */
import { Effect } from "effect"
import type { MessageLog } from "../../src/services/MessageLog.ts"
import { neededFrom } from "./LogSamples.ts"

/** Everything is too old. */
export const old = { olderThan: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY }
/** Nothing is too old. */
export const young = { olderThan: 0, bytesMax: Number.POSITIVE_INFINITY }

/** Truncates until nothing more goes; returns how many entries went. */
export const truncateAll = Effect.fnUntraced(function*(
  log: MessageLog["Service"],
  request: { readonly olderThan: number; readonly bytesMax: number },
  needed: Readonly<Record<number, number>> = {}
) {
  let entries = 0 // A sum over the calls.
  let more = true
  while (more) {
    const truncated = yield* log.truncate({ ...request, needed: neededFrom(log.head, needed) })
    entries += truncated.entries
    more = truncated.more
  }
  return entries
})
