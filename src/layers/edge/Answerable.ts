/**
 * Everything that a request may end with besides a reply.
 */
import type { DeadLetterUnknown } from "../../domain/DeadLetter.ts"
import type {
  SubscriptionBroadcast,
  SubscriptionConflict,
  SubscriptionHandled,
  SubscriptionLimit,
  SubscriptionUnknown
} from "../../domain/Subscription.ts"
import type { PositionInvalid } from "../../domain/TailPosition.ts"
import type { PatternReserved } from "../../domain/TopicPattern.ts"
import type { LeaseHeld, LeaseLimit, LeaseLost, LeasesUnavailable } from "../../services/Leases.ts"
import type { PublishError } from "../../services/MessageBus.ts"
import type { RequestError } from "../../services/Requests.ts"
import type {
  SessionConflict,
  SessionInvalid,
  SessionLimit,
  SessionsUnavailable
} from "../../services/Sessions.ts"
import type { CountOutOfRange, ResizeRunning, ShardUnknown } from "../../services/Shards.ts"
import type { TailLimit } from "../../services/Tails.ts"
import type { Refusal } from "./Refusal.ts"

/** Everything a handler may end with. */
export type Answerable =
  | Refusal
  | PublishError
  | PatternReserved
  | PositionInvalid
  | RequestError
  | SubscriptionBroadcast
  | SubscriptionConflict
  | SubscriptionHandled
  | SubscriptionLimit
  | SubscriptionUnknown
  | DeadLetterUnknown
  | LeaseHeld
  | LeaseLost
  | LeaseLimit
  | LeasesUnavailable
  | SessionConflict
  | SessionInvalid
  | SessionLimit
  | SessionsUnavailable
  | TailLimit
  | ShardUnknown
  | ResizeRunning
  | CountOutOfRange
