/**
 * Subscriptions: a name, a pattern and options. Members of one subscription compete; each
 * subscription gets every matching message once.
 */
import * as Schema from "effect/Schema"
import { FilterSpec, sameFilter } from "./Filter.ts"
import { TopicPattern } from "./TopicPattern.ts"

/** Letters, digits, `_`, `-` and `.`; at most 200 characters. */
export const SubscriptionName = Schema.String.check(
  Schema.isMaxLength(200),
  Schema.isPattern(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, {
    message: "expected dot-separated segments of letters, digits, '_' and '-'"
  })
).pipe(Schema.brand("SubscriptionName"))
/** A checked subscription name. */
export type SubscriptionName = typeof SubscriptionName.Type

/**
 * What order is kept by: the message's key (default), the key or else the whole topic, or nothing.
 */
export const Ordering = Schema.Literals(["key", "topic", "none"])
/** A checked ordering. */
export type Ordering = typeof Ordering.Type

/** Where a new subscription starts: at the head of the log, or at the first retained message. */
export const StartFrom = Schema.Literals(["now", "earliest"])
/** A checked start. */
export type StartFrom = typeof StartFrom.Type

/** Attempts before the dead letters, unless set. Source: guide, "Retry Logic" (3 retries). */
export const maxAttemptsDefault = 4

/** Time limit of a handler, and of a lease, unless set. Source: design, P2. */
export const ackTimeoutMsDefault = 30_000

/** Range of a lease. Source: design, section 9. */
export const ackTimeoutMsRange = { minimum: 1_000, maximum: 3_600_000 } as const

/** Longest wait for a delivery, in milliseconds: up to a year. */
export const maxAgeMsRange = { minimum: 1, maximum: 31_536_000_000 } as const

/**
 * Whether members compete for each message (default), or every one of them sees every message.
 *
 * Broadcast leaves nothing pending: who is not there misses what is published.
 */
export const SubscriptionMode = Schema.Literals(["compete", "broadcast"])
/** A checked mode. */
export type SubscriptionMode = typeof SubscriptionMode.Type

/** What the user chose; the durations are milliseconds. */
export const SubscriptionOptions = Schema.Struct({
  topic: TopicPattern,
  ordering: Ordering,
  maxAttempts: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 })),
  ackTimeoutMs: Schema.Int.check(Schema.isBetween(ackTimeoutMsRange)),
  from: StartFrom,
  mode: SubscriptionMode,
  /** Deliveries older than this end expired; without it they wait for ever. */
  maxAgeMs: Schema.optionalKey(Schema.Int.check(Schema.isBetween(maxAgeMsRange))),
  filter: Schema.optionalKey(FilterSpec)
})
/** Checked options. */
export type SubscriptionOptions = typeof SubscriptionOptions.Type

/** The options every field of which is at its default. */
export const optionsDefault = {
  ordering: "key",
  maxAttempts: maxAttemptsDefault,
  ackTimeoutMs: ackTimeoutMsDefault,
  from: "now",
  mode: "compete"
} as const

/**
 * A subscription as it is stored.
 *
 * `incarnation` numbers creations for the life of the log: one deleted and made again under its
 * name is another subscription, and acks for the old one find nothing. `starts` holds the first
 * offset it wants of each of the 128 log lanes.
 */
export interface Subscription {
  readonly incarnation: number
  readonly name: SubscriptionName
  readonly options: SubscriptionOptions
  readonly starts: ReadonlyArray<number>
}

/** What became of a request to create: new, unchanged, or only limits changed. */
export type Created = "New" | "Same" | "Changed"

/** Fields that never change; another value needs another subscription. */
const fixed = ["topic", "ordering", "from", "mode", "maxAgeMs"] as const

/** The first fixed option in which the two differ. */
export const conflictingField = (
  existing: SubscriptionOptions,
  asked: SubscriptionOptions
): string | undefined =>
  fixed.find((field) => existing[field] !== asked[field]) ??
    (sameFilter(existing.filter, asked.filter) ? undefined : "filter")

/** Compares what exists with what is asked for; `undefined` is a conflict. */
export const compare = (
  existing: SubscriptionOptions,
  asked: SubscriptionOptions
): Created | undefined =>
  conflictingField(existing, asked) !== undefined
    ? undefined
    : existing.maxAttempts === asked.maxAttempts && existing.ackTimeoutMs === asked.ackTimeoutMs
    ? "Same"
    : "Changed"

/** The name is taken by a subscription with other options. Remedy: delete it or use its options. */
export class SubscriptionConflict
  extends Schema.TaggedError<SubscriptionConflict>()("SubscriptionConflict", {
    name: Schema.String,
    field: Schema.String
  })
{}

/** No subscription of that name. Remedy: create it first. */
export class SubscriptionUnknown
  extends Schema.TaggedError<SubscriptionUnknown>()("SubscriptionUnknown", {
    name: Schema.String
  })
{}

/** The bus has as many subscriptions as its limit allows. Remedy: delete unused ones. */
export class SubscriptionLimit
  extends Schema.TaggedError<SubscriptionLimit>()("SubscriptionLimit", { limit: Schema.Int })
{}

/** A handler in this process has the subscription: it cannot be pulled, or attached twice. */
export class SubscriptionHandled
  extends Schema.TaggedError<SubscriptionHandled>()("SubscriptionHandled", { name: Schema.String })
{}

/** A broadcast subscription leaves nothing to pull. Remedy: read its events, or handle it. */
export class SubscriptionBroadcast
  extends Schema.TaggedError<SubscriptionBroadcast>()("SubscriptionBroadcast", {
    name: Schema.String
  })
{}
