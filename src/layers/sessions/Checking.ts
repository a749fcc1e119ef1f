/**
 * What is wrong with what shall be written, before anybody is asked.
 */
import { sessionBytesMax, sessionMsRange } from "../../domain/Session.ts"
import { SessionInvalid, type SessionWrite } from "../../services/Sessions.ts"

/** The first mistake, if there is one. */
export const issueOf = ({ ttlMs, value }: SessionWrite): SessionInvalid | undefined => {
  const { maximum, minimum } = sessionMsRange
  if (!Number.isInteger(ttlMs) || ttlMs < minimum || ttlMs > maximum) {
    return new SessionInvalid({ field: "ttlMs", reason: `expected ${minimum} to ${maximum} ms` })
  }
  const bytes = Buffer.byteLength(value)
  return bytes > sessionBytesMax
    ? new SessionInvalid({
      field: "value",
      reason: `expected at most ${sessionBytesMax} bytes, not ${bytes}`
    })
    : undefined
}
