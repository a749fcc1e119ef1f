/**
 * Admission: everything about a request that its head decides, before a byte of the body is read.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Answerable } from "./Answerable.ts"
import { atOnce, type Door, type TurnedAway } from "./Door.ts"
import type { Guard } from "./Guard.ts"
import { matchPublish } from "./PublishPath.ts"
import type { RateGate } from "./RateGate.ts"
import { Refusal } from "./Refusal.ts"
import type { Matched, Router } from "./Router.ts"
import type { BodyRule, Caller, Head, Reply, Request, Route } from "./Web.ts"

/** The routes, and what stands before them in the order in which it looks at a request. */
export interface App {
  readonly guard: Guard
  readonly router: Router
  readonly door: Door
  readonly rates: RateGate
  /** The route that publishes one message, where there is one. */
  readonly publish: Route | undefined
}

/** A request that was let in, and as whom. */
export interface Admitted extends Matched {
  readonly caller: Caller
}

/** The route of an admitted request, or why it is turned away. */
export const admit = (app: App, head: Head): Result.Result<Admitted, TurnedAway> => {
  const { method, path } = head
  const direct = app.publish === undefined ? undefined : matchPublish(app.publish, method, path)
  if (direct !== undefined) return admitTo(app, head, direct)
  const guarded = app.guard(head)
  if (guarded !== undefined) return Result.fail(atOnce(guarded))
  const matched = app.router(method, path)
  return Result.isSuccess(matched)
    ? enter(app, head, matched.success)
    : Result.fail(atOnce(matched.failure))
}

/** As `admit`, where the route is known. */
export const admitTo = (
  app: App,
  head: Head,
  matched: Matched
): Result.Result<Admitted, TurnedAway> => {
  const guarded = app.guard(head)
  return guarded === undefined ? enter(app, head, matched) : Result.fail(atOnce(guarded))
}

const enter = (app: App, head: Head, matched: Matched): Result.Result<Admitted, TurnedAway> => {
  const { params, route } = matched
  const caller = app.door.enter(head, matched)
  if (Result.isFailure(caller)) return Result.fail(caller.failure)
  const refused = route.body === undefined ? undefined : bodyRefused(head, route.body)
  return refused === undefined
    ? Result.succeed({ route, params, caller: caller.success })
    : Result.fail(atOnce(refused))
}

/** The reply of an admitted request whose body was read. */
export const handle = (
  { caller, params, route }: Admitted,
  head: Head,
  body: Uint8Array,
  begin: Request["begin"]
): Effect.Effect<Reply, Answerable> =>
  Effect.suspend(() => route.handle({ head, caller, params, body, begin }))

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
