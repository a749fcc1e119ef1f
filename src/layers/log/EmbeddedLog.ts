/**
 * The log of the local profile: durable on this machine, with nothing installed beside it.
 */
import type * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import type { LogUnopened, MessageLog } from "../../services/MessageLog.ts"
import * as BlockLog from "./BlockLog.ts"
import * as SqliteStore from "./SqliteStore.ts"

/** How the embedded log is opened. */
export interface EmbeddedLogOptions {
  /** Where its files are; made when missing, and locked. */
  readonly directory: string
  /** How long idempotency keys are remembered. */
  readonly claimsFor: Duration.Duration
  /** Most of them; as many as the design asks for unless set. */
  readonly claimsMax?: number
  /** Most pages (16 KiB) of the database; unlimited unless set. */
  readonly pagesMax?: number
}

/** The embedded log. */
export const layer = (
  { claimsFor, claimsMax, directory, pagesMax }: EmbeddedLogOptions
): Layer.Layer<MessageLog, LogUnopened> =>
  BlockLog.layer(claimsFor, claimsMax).pipe(
    Layer.provide(SqliteStore.layer({ directory, pagesMax }))
  )
