/**
 * Filtering: whether a message of a consumer's pattern is one that it wants.
 *
 * A message that does not pass is no match: it is not counted, not stored and holds no floor.
 */
import * as Result from "effect/Result"
import { ParsedMessage } from "../../domain/ParsedMessage.ts"
import type { LogEntry } from "../../services/MessageLog.ts"
import type { Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"

/** Whether a consumer wants a message of its pattern. A function that throws does not pass. */
export const passes = (core: Core, consumer: Consumer, parsed: ParsedMessage): boolean => {
  const { conditions, filter } = consumer
  if (conditions !== undefined && !conditions(parsed)) return false
  if (filter === undefined) return true
  const passed = Result.try(() => filter(parsed.payload, parsed.message))
  // Programs without types may return anything.
  if (Result.isSuccess(passed)) return passed.success === true
  consumer.totals.filterErrors++
  core.topics.get(parsed.message.topic).totals.errors++
  return false
}

/** Whether a consumer wants an entry that was read from the log. */
export const wantsEntry = (core: Core, consumer: Consumer, { message }: LogEntry): boolean =>
  !consumer.isFiltered || passes(core, consumer, new ParsedMessage(message))

/**
 * Those of `consumers` that want a committed message, which is parsed at most once for all.
 *
 * One that still reads a log that keeps everything decides about its function when it gets there,
 * so that an error is counted once.
 */
export const wanting = (
  core: Core,
  consumers: ReadonlyArray<Consumer>,
  { message }: LogEntry
): ReadonlyArray<Consumer> => {
  const parsed = new ParsedMessage(message)
  return consumers.filter((consumer) => {
    if (!consumer.isFiltered) return true
    return consumer.live || !core.log.retainsSettled
      ? passes(core, consumer, parsed)
      : consumer.conditions?.(parsed) ?? true
  })
}
