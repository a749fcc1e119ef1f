/**
 * Retention: background work that deletes what is too old or too much, below every floor.
 *
 * It works in steps of a few milliseconds with pauses between, so that publishes do not wait for
 * it. Before it deletes, all that was settled is stored: a message whose end is only in memory must
 * outlive a crash.
 */
import * as Effect from "effect/Effect"
import type { LogUnavailable } from "../../services/MessageLog.ts"
import { expireOld } from "./AgeSweep.ts"
import type { Core } from "./Core.ts"
import { floorsOf, lowerByNew } from "./Floors.ts"

/** Limits of what is kept, in milliseconds and bytes; and how often it looks. */
export interface RetentionOptions {
  readonly everyMs: number
  readonly ageMs: number
  readonly bytesMax: number
}

/** A week or 8 GiB. Source: design, section 5, "Retention". */
export const retentionDefault: RetentionOptions = {
  everyMs: 5_000,
  ageMs: 604_800_000,
  bytesMax: 8 * 1_073_741_824
}

/** Pause between two deletions: commits have the store for themselves most of the time. */
const pauseMs = 20

/** Works for ever. */
export const run = (core: Core): Effect.Effect<never> => {
  const turn = Effect.andThen(
    expireOld(core),
    core.log.retainsSettled ? deleteOld(core) : Effect.void
  )
  return Effect.forever(Effect.andThen(
    Effect.sleep(core.options.retention.everyMs),
    Effect.catch(
      turn,
      (unavailable) =>
        Effect.logWarning("old messages could not be deleted; trying again", unavailable)
    )
  ))
}

/** Deletes everything that may go now. */
export const deleteOld = (core: Core): Effect.Effect<void, LogUnavailable> =>
  Effect.gen(function*() {
    const { log } = core
    const { ageMs, bytesMax } = core.options.retention
    const olderThan = core.now() - ageMs
    const mayGo = () => (log.oldest() ?? olderThan) < olderThan || log.sizeBytes() > bytesMax
    if (!mayGo()) return
    // As they are before the commit: all that was settled below them is stored after it.
    const floors = yield* floorsOf(core)
    yield* core.settler.settled
    let more = true // The budget of one call may be used up many times.
    while (more && mayGo()) {
      const truncated = yield* Effect.suspend(() =>
        log.truncate({ needed: lowerByNew(core, floors), olderThan, bytesMax })
      )
      core.deleted += truncated.entries
      more = truncated.more
      if (more) yield* Effect.sleep(pauseMs)
    }
  })
