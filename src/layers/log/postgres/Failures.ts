/**
 * What a failure of the database means for the log.
 */
import { LogUnavailable, LogUnopened } from "../../../services/MessageLog.ts"
import type { DatabaseFailed } from "../../drivers/postgres/Failure.ts"

/** The log cannot take or give anything now. */
export const unavailable = ({ message, reason }: DatabaseFailed): LogUnavailable =>
  new LogUnavailable({
    reason: reason === "Full" || reason === "ReadOnly" ? reason : "Io",
    detail: message
  })

/** The log cannot be opened. */
export const unopened = ({ message, reason }: DatabaseFailed): LogUnopened =>
  new LogUnopened({
    reason: reason === "Full" || reason === "ReadOnly" ? reason : "Io",
    path: "DATABASE_URL",
    detail: message
  })

/** Another process owns the partition now. */
export const fenced = new LogUnavailable({
  reason: "Fenced",
  detail: "another process has taken over this part of the log"
})
