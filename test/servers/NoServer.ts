/** Why a test cannot have the real server that it needs. */
import { Data } from "effect"

/** There is none here. Begins as `tools/test.ts` wants it to be told from other skips. */
export class NoServer extends Data.TaggedError("NoServer")<{ readonly reason: string }> {}
