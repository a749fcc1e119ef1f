/**
 * Failures of agents' code as plain values, which any thread can tell the bus.
 */
import * as Cause from "effect/Cause"
import type { Failure } from "../../domain/Delivery.ts"
import { errorLengthMax, tagOf, wordsOf } from "../../domain/ErrorWords.ts"

/**
 * What a cause means, as the bus would say it of a handler of its own. A permanent failure is told
 * by its tag, not by its class: it may come from another thread, or from code without our classes.
 */
export const failureOf = (cause: Cause.Cause<unknown>): Failure => {
  const failed = cause.reasons.find(Cause.isFailReason)
  const died = cause.reasons.find(Cause.isDieReason)
  const tag = tagOf(failed === undefined ? died?.defect : failed.error)
  return {
    tag,
    error: wordsOf(() => Cause.pretty(cause)).slice(0, errorLengthMax),
    isPermanent: failed !== undefined && tag === "PermanentFailure"
  }
}

/** What it means that code threw or rejected with `error`. */
export const failureBy = (error: unknown): Failure => failureOf(Cause.fail(error))

/** Why a module does not load: with the place in it, where the runtime tells. */
export const importFailure = (error: unknown): string => {
  const [first = ""] = error instanceof SyntaxError ? (error.stack ?? "").split("\n") : []
  const [, file, line] = /([^/?]+)(?:\?version=\d+)?:(\d+)$/.exec(first) ?? []
  return line === undefined ? messageOf(error) : `${file}:${line}: ${messageOf(error)}`
}

/** The message of a thrown value, for a reason. */
export const messageOf = (error: unknown): string =>
  wordsOf(() => error instanceof Error ? error.message : String(error))
