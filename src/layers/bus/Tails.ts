/**
 * Tails of a bus: opened from the head, the first message kept or a position, closed with a scope.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { FilterSpec } from "../../domain/Filter.ts"
import { logLaneCount, partitionOfLogLane } from "../../domain/Position.ts"
import { SubscriptionUnknown } from "../../domain/Subscription.ts"
import { parsePosition, type PositionInvalid } from "../../domain/TailPosition.ts"
import type { TopicPattern } from "../../domain/TopicPattern.ts"
import { BusClosed } from "../../services/MessageBus.ts"
import {
  type GapReason,
  type Tail,
  tailBatchMax,
  TailLimit,
  type TailRequest,
  type Tails
} from "../../services/Tails.ts"
import type { Core } from "./Core.ts"
import { closedOf, isOpen } from "./Openness.ts"
import { type LogIdentity, TailCursor } from "./TailCursor.ts"
import { followEvents } from "./TailFollowing.ts"
import { firstOf, nextEvents } from "./TailReading.ts"

type OpenError = SubscriptionUnknown | PositionInvalid | TailLimit | BusClosed

/** The tails of `core`. */
export const make = (core: Core): Tails => ({ open: (request) => open(core, request) })

/** Opens a tail that ends with the scope. */
export const open = (
  core: Core,
  request: TailRequest
): Effect.Effect<Tail, OpenError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.suspend(() => Effect.fromResult(cursorOf(core, request))),
      (cursor) => Effect.sync(() => core.tails.close(cursor))
    ),
    (cursor) => tailOf(core, cursor, "subscription" in request.of ? request.of.subscription : "")
  )

const tailOf = (core: Core, cursor: TailCursor, name: string): Tail => ({
  follow: (wanted, write) =>
    Effect.flatMap(
      followEvents(core, cursor, wanted, write),
      (hasEnded) => hasEnded ? endOf(cursor, name) : Effect.void
    ),
  next: ({ bytesMax = tailBatchMax.bytes, countMax = tailBatchMax.count, waitMs } = {}) =>
    Effect.flatMap(
      nextEvents(core, cursor, { countMax, bytesMax, waitMs }),
      (events): ReturnType<Tail["next"]> =>
        events.length > 0 ? Effect.succeed(events) : Effect.as(endOf(cursor, name), events)
    ),
  position: () => cursor.position(),
  restingPosition: () => core.tails.restingPosition(cursor)
})

/** Fails when a tail has ended. */
const endOf = (
  { ended }: TailCursor,
  name: string
): Effect.Effect<void, SubscriptionUnknown | BusClosed> =>
  ended === undefined
    ? Effect.void
    : ended === "Deleted"
    ? Effect.fail(new SubscriptionUnknown({ name }))
    : Effect.fail(new BusClosed({ state: "Closing" }))

const cursorOf = (
  core: Core,
  { from, of }: TailRequest
): Result.Result<TailCursor, OpenError> => {
  const { options: { tailsMax }, tails } = core
  if (!isOpen(core)) return Result.fail(closedOf(core))
  const found = "subscription" in of ? subscriptionOf(core, of.subscription) : Result.succeed(of)
  if (Result.isFailure(found)) return Result.fail(found.failure)
  if (tails.cursors.size >= tailsMax) return Result.fail(new TailLimit({ limit: tailsMax }))
  const identity = identityOf(core)
  const start = startOf(core, identity, from)
  if (Result.isFailure(start)) return Result.fail(start.failure)
  tails.start()
  const { filter, incarnation, pattern } = { incarnation: undefined, ...found.success }
  const cursor = new TailCursor({
    ...start.success,
    view: tails.share(pattern, filter),
    incarnation,
    beganNow: from === "now",
    sequence: from === "now" ? tails.ring.next : tails.ring.first,
    opened: tails.ring.next,
    identity,
    now: core.now()
  })
  tails.cursors.add(cursor)
  return Result.succeed(cursor)
}

/** A log that dies with its process is named by a number drawn for it, when first needed. */
const identityOf = ({ log, options, tails }: Core): LogIdentity => {
  tails.logNumber ??= log.retainsSettled ? 0 : Math.floor(options.random() * (2 ** 32 - 1)) + 1
  return { log: tails.logNumber, epoch: log.recovered.epoch }
}

/** Whom to show what. */
interface Found {
  readonly pattern: TopicPattern
  readonly filter?: FilterSpec | undefined
  readonly incarnation?: number
}

const subscriptionOf = (
  core: Core,
  name: string
): Result.Result<Found, SubscriptionUnknown> => {
  const subscription = core.consumers.get(name)?.subscription
  if (subscription === undefined) return Result.fail(new SubscriptionUnknown({ name }))
  const { incarnation, options: { filter, topic } } = subscription
  return Result.succeed({ pattern: topic, filter, incarnation })
}

/** Where a tail begins. */
interface Start {
  readonly vector: Float64Array
  readonly isOpening: boolean
  readonly gap: GapReason | undefined
}

const startOf = (
  core: Core,
  identity: LogIdentity,
  from: TailRequest["from"]
): Result.Result<Start, PositionInvalid> => {
  const { heads, known } = core.tails.lanes
  const earliest = () => Float64Array.from({ length: logLaneCount }, (_, at) => firstOf(core, at))
  core.tails.lanes.lookAhead(core.seen)
  if (from === "now") {
    return Result.succeed({ vector: heads.slice(), isOpening: false, gap: undefined })
  }
  if (from === "earliest") {
    return Result.succeed({ vector: earliest(), isOpening: true, gap: undefined })
  }
  return Result.map(parsePosition(from.position), ({ epoch, log, next }): Start => {
    // Nothing of another log was shown before; where this one lost its end, the rest follows.
    if (log !== identity.log) return { vector: earliest(), isOpening: true, gap: "OtherLog" }
    // Of a lane that nobody here has heard of, another pod knows the end.
    const endOfLane = (lane: number): number =>
      known.has(lane) || core.log.owns(partitionOfLogLane(lane))
        ? heads[lane] ?? 0
        : Number.POSITIVE_INFINITY
    const isAhead = epoch > identity.epoch || next.some((at, lane) => at > endOfLane(lane))
    const vector = next.map((at, lane) => Math.min(at, endOfLane(lane)))
    return { vector, isOpening: false, gap: isAhead ? "OtherLog" : undefined }
  })
}
