/**
 * The door: who asks, and whether the key allows the route and the topic in its path.
 */
import * as Result from "effect/Result"
import type { ApiKeys } from "../../services/ApiKeys.ts"
import type { DoorCounts } from "../observe/DoorMetrics.ts"
import { clientAddress } from "./ClientAddress.ts"
import { delayMsMax, FailureDelay } from "./FailureDelay.ts"
import { topicRefused } from "./Permission.ts"
import { Refusal } from "./Refusal.ts"
import type { Matched } from "./Router.ts"
import type { Caller, Head } from "./Web.ts"

/** A request that is refused: at once, or after a delay that ends with `done`. */
export interface TurnedAway {
  readonly refusal: Refusal
  readonly delayMs: number
  readonly done: () => void
}

/** Lets a request in as somebody, or not. */
export interface Door {
  readonly enter: (head: Head, matched: Matched) => Result.Result<Caller, TurnedAway>
  /** Calls `listener` when some who were let in may not be there any more. */
  readonly onChange: (listener: () => void) => void
  /** Whether one who was let in may stay. */
  readonly mayStay: (caller: Caller) => boolean
  readonly counts: () => DoorCounts
}

/** Somebody without a key, where none are kept or none is needed. */
export const anybody: Caller = { grant: undefined }

const letIn = Result.succeed(anybody)

/** Refused at once. */
export const atOnce = (refusal: Refusal): TurnedAway => ({ refusal, delayMs: 0, done: nothing })

const nothing = () => undefined

/** The door of a server with these keys. `now` tells the milliseconds. */
export const makeDoor = (
  keys: ApiKeys["Service"],
  proxyTrusted: boolean,
  now: () => number
): Door => {
  const delay = new FailureDelay()
  const counts = { missing: 0, invalid: 0, forbidden: 0 } // Mutable: counts.
  const invalid = (head: Head): TurnedAway => {
    counts.invalid++
    const delayed = delay.failed(clientAddress(head, proxyTrusted), now())
    return delayed === undefined
      ? atOnce(Refusal.CredentialsThrottled({ retryAfterMs: delayMsMax }))
      : { refusal: Refusal.CredentialInvalid(), ...delayed }
  }
  return {
    enter: (head, { params, route }) => {
      const { access } = route
      if (access === "open" || !keys.required) return letIn
      const credential = bearerOf(head.header("authorization"))
      if (credential === undefined) {
        counts.missing++
        return Result.fail(atOnce(Refusal.CredentialMissing()))
      }
      const grant = keys.verify(credential)
      if (grant === undefined) return Result.fail(invalid(head))
      const caller = { grant }
      const { topic } = params
      const refused = access === "known"
        ? undefined
        : !grant.allows(access)
        ? Refusal.Forbidden({ id: grant.id, action: access, topic: undefined })
        : topic === undefined
        ? undefined
        : topicRefused(caller, access, topic)
      if (refused === undefined) return Result.succeed(caller)
      counts.forbidden++
      return Result.fail(atOnce(refused))
    },
    onChange: keys.onChange,
    mayStay: ({ grant }) => grant === undefined || keys.isCurrent(grant),
    counts: () => ({ ...counts, waiting: delay.waiting })
  }
}

const scheme = /^Bearer +(\S+) *$/i

/** The credential of an `Authorization` header; empty when it has another scheme or shape. */
const bearerOf = (header: string | undefined): string | undefined =>
  header === undefined ? undefined : scheme.exec(header)?.[1] ?? ""
