/** Why a test runs without the real server that it needs: it does not. */
import { Cause, Data, Option } from "effect"

/** There is none here. Begins as `tools/test.ts` wants it to be told from other skips. */
export class NoServer extends Data.TaggedError("NoServer")<{ readonly reason: string }> {
  /** The reason, or whatever else went wrong. */
  static reasonOf(cause: Cause.Cause<NoServer>): string {
    return Option.match(Cause.findErrorOption(cause), {
      onNone: () => Cause.pretty(cause),
      onSome: ({ reason }) => reason
    })
  }
}
