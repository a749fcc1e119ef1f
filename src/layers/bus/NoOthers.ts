/**
 * Of a bus that has its log alone: there are no other pods.
 */
import * as Effect from "effect/Effect"
import { partitionOfLogLane } from "../../domain/Position.ts"
import { LogUnavailable } from "../../services/MessageLog.ts"
import type { OtherPods } from "../../services/OtherPods.ts"

/** Nobody: what concerns other pods is refused, or not done. */
export const noOthers: OtherPods = {
  pod: undefined,
  handOver: Effect.void,
  scan: ({ logLane }) =>
    Effect.fail(
      new LogUnavailable({
        reason: "Io",
        detail: `nobody is known who has partition ${partitionOfLogLane(logLane)}`
      })
    ),
  reply: () => Effect.succeed(false),
  sendReply: () => {}
}
