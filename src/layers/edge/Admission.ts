/**
 * Admission: everything about a request that its head decides, before a byte of the body is read.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Answerable } from "./Answerable.ts"
import type { Guard } from "./Guard.ts"
import type { RateGate } from "./RateGate.ts"
import { Refusal } from "./Refusal.ts"
import type { Matched, Router } from "./Router.ts"
import type { BodyRule, Head, Reply } from "./Web.ts"

/** The routes, the guard before them, and the count of those that are limited. */
export interface App {
  readonly router: Router
  readonly guard: Guard
  readonly rates: RateGate
}

/** The route of an admitted request, or why it is refused. */
export const admit = (app: App, head: Head): Result.Result<Matched, Refusal> => {
  const guarded = app.guard(head)
  if (guarded !== undefined) return Result.fail(guarded)
  const matched = app.router(head.method, head.path)
  if (Result.isFailure(matched)) return matched
  const { body } = matched.success.route
  const refused = body === undefined ? undefined : bodyRefused(head, body)
  return refused === undefined ? matched : Result.fail(refused)
}

/** The reply of an admitted request whose body was read. */
export const handle = (
  { params, route }: Matched,
  head: Head,
  body: Uint8Array
): Effect.Effect<Reply, Answerable> => Effect.suspend(() => route.handle({ head, params, body }))

const bodyRefused = (head: Head, rule: BodyRule): Refusal | undefined => {
  const encoding = head.header("content-encoding")
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    return Refusal.EncodingRefused({ encoding })
  }
  const found = head.header("content-type") ?? ""
  if (!isExpected(found, rule)) {
    return Refusal.ContentTypeRefused({ found, expected: rule.contentTypes })
  }
  return Number(head.header("content-length") ?? 0) > rule.bytesMax
    ? Refusal.BodyTooLarge({ limitBytes: rule.bytesMax })
    : undefined
}

const parameters = /^;\s*charset="?utf-8"?$/

/** The type itself, or with the one parameter that says what JSON is anyway. */
const isExpected = (found: string, { contentTypes }: BodyRule): boolean => {
  if (contentTypes.includes(found)) return true
  const lower = found.toLowerCase()
  return contentTypes.some((type) =>
    lower.startsWith(type) &&
    (lower.length === type.length || parameters.test(lower.slice(type.length).trim()))
  )
}
