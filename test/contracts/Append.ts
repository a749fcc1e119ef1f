/** Appending as an effect, for tests: it resumes once the log has answered. */
import { Effect } from "effect"
import type {
  Changes,
  LogEntry,
  LogUnavailable,
  MessageLog
} from "../../src/services/MessageLog.ts"

/** Appends and waits; `onCommitted` runs at the commit. */
export const append = (
  log: MessageLog["Service"],
  entries: ReadonlyArray<LogEntry>,
  onCommitted: () => void = () => {},
  changes?: Changes
): Effect.Effect<void, LogUnavailable> =>
  Effect.callback((resume) => {
    log.append(entries, (failure) => {
      if (failure !== undefined) return () => resume(Effect.fail(failure))
      onCommitted()
      return () => resume(Effect.void)
    }, changes)
  })
