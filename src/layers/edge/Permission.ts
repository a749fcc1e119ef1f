/**
 * Permissions: whether the caller's key reaches the topics that a request is about.
 */
import * as Effect from "effect/Effect"
import type { Action } from "../../domain/ApiKey.ts"
import type { DeadLetterFilter } from "../../domain/DeadLetter.ts"
import { isReplyTopic } from "../../domain/Request.ts"
import { TopicPattern } from "../../domain/TopicPattern.ts"
import type { MessageBus } from "../../services/MessageBus.ts"
import { Refusal } from "./Refusal.ts"
import type { Caller, Route } from "./Web.ts"

type Bus = MessageBus["Service"]

/**
 * Why the caller may not act on a topic; `undefined` if it may. Whoever may publish may reply: that
 * it knows the name of a reply topic proves that it was asked.
 */
export const topicRefused = (
  { grant }: Caller,
  action: Action,
  topic: string
): Refusal | undefined =>
  grant === undefined || grant.reaches(topic) || (action === "publish" && isReplyTopic(topic))
    ? undefined
    : Refusal.Forbidden({ id: grant.id, action, topic })

/** Fails unless the caller may act on a topic. */
export const permitTopic = (
  caller: Caller,
  action: Action,
  topic: string
): Effect.Effect<void, Refusal> => orVoid(topicRefused(caller, action, topic))

/** Fails unless the caller may act on every topic of a pattern. */
export const permitPattern = (
  { grant }: Caller,
  action: Action,
  pattern: TopicPattern
): Effect.Effect<void, Refusal> =>
  orVoid(
    grant === undefined || grant.covers(pattern)
      ? undefined
      : Refusal.Forbidden({ id: grant.id, action, topic: pattern })
  )

/**
 * Fails unless the caller may act on everything that a filter over subscriptions and topics lets
 * through: its topic, or else all of its subscription, or else everything there is.
 */
export const permitFilter = (
  bus: Bus,
  caller: Caller,
  action: Action,
  { subscription, topic }: Pick<DeadLetterFilter, "topic" | "subscription">
): Effect.Effect<void, Refusal> =>
  caller.grant === undefined
    ? Effect.void
    : topic !== undefined
    ? permitTopic(caller, action, topic)
    : subscription !== undefined
    ? permitSubscription(bus, caller, action, subscription)
    : permitPattern(caller, action, everything)

const everything = TopicPattern.make(">")

/** Fails if the subscription exists and the caller does not reach all of its topics. */
const permitSubscription = (
  bus: Bus,
  caller: Caller,
  action: Action,
  name: string
): Effect.Effect<void, Refusal> =>
  caller.grant === undefined
    ? Effect.void
    : Effect.matchEffect(bus.subscription(name), {
      onFailure: () => Effect.void,
      onSuccess: ({ options }) => permitPattern(caller, action, options.topic)
    })

/** A route under `/v1/subscriptions/{name}`, for callers that reach the topics of that one only. */
export const withinSubscription = (bus: Bus) => (route: Route): Route => {
  const { access, handle, pattern } = route
  if (access === "open" || access === "known" || !pattern.startsWith(ofSubscription)) return route
  return {
    ...route,
    handle: (request) =>
      request.caller.grant === undefined
        ? handle(request)
        : Effect.andThen(
          permitSubscription(bus, request.caller, access, request.params["name"] ?? ""),
          handle(request)
        )
  }
}

const ofSubscription = "/v1/subscriptions/{name}"

const orVoid = (refusal: Refusal | undefined) =>
  refusal === undefined ? Effect.void : Effect.fail(refusal)
