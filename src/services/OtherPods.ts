/**
 * What a bus and the buses of other pods have to do with each other: tails that show what is
 * published anywhere, and replies that find who asked.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Failure } from "../domain/Delivery.ts"
import type { FilterFunction } from "../domain/Filter.ts"
import type { Message } from "../domain/Message.ts"
import type { SubscriptionName } from "../domain/Subscription.ts"
import type { TopicPattern } from "../domain/TopicPattern.ts"
import type { Handler } from "./MessageBus.ts"
import type { LogEntry, LogUnavailable, Scanned, ScanRequest } from "./MessageLog.ts"
import type { Reply } from "./Requests.ts"

/** What tails need of an entry of another pod. */
export type FedEntry = Pick<LogEntry, "bytes" | "logLane" | "message" | "offset">

/** A log lane: its number, its first retained offset, and the next one. */
export type FedLane = readonly [logLane: number, first: number, head: number]

/** What a pod tells another one whose tails follow it. */
export interface Fed {
  /** Where to go on. */
  readonly next: FedPlace
  readonly entries: ReadonlyArray<FedEntry>
  /** The lanes that the pod has, once it has told of all entries in them. */
  readonly lanes: ReadonlyArray<FedLane> | undefined
  /** Whoever listens was too slow: entries behind the place are not at hand any more. */
  readonly isGap: boolean
}

/** How far a pod was listened to; of that pod's process alone. */
export interface FedPlace {
  readonly sequence: number
  /** Grows when the pod takes over or gives back partitions. */
  readonly changes: number
}

/** Listens to this pod, for others. */
export interface Listener {
  /** What came since a place, as much as one reply should hold; without one, its lanes. */
  readonly take: (since: FedPlace | undefined) => Fed
  /** Waits until there is more than was told at that place. */
  readonly changed: (since: FedPlace) => Effect.Effect<void>
}

/** How tails of this pod learn what others publish, and others what this one does. */
export interface TailFeed {
  /** Keeps what is published here at hand for others, until the scope closes. */
  readonly listen: Effect.Effect<Listener, never, Scope.Scope>
  /** Tells the tails what another pod told. In any order, and twice, it is shown once. */
  readonly tell: (fed: Pick<Fed, "entries" | "lanes">) => void
  /**
   * Shows the tails a message of a pod that has another log, once for each call. It has no place
   * here, so nothing resumes behind it.
   */
  readonly show: (message: Message) => void
  /** Tells the tails that they have missed messages of such a pod, and how many, if known. */
  readonly miss: (count: number | undefined) => void
  /** Forgets what others told: nobody listens to them any more. */
  readonly forget: () => void
}

/** What other pods do for this one. */
export interface OtherPods {
  /** The name of this pod among them; `undefined` when there are none. */
  readonly pod: string | undefined
  /** Runs before the bus stops taking messages at its end, to give away what it has. */
  readonly handOver: Effect.Effect<void>
  /** Reads a log lane that another pod has: what matches the pattern. */
  readonly scan: (
    request: Omit<ScanRequest, "wants">,
    pattern: TopicPattern
  ) => Effect.Effect<Scanned<FedEntry>, LogUnavailable>
  /** Brings a reply to the pod that its topic names; whether somebody waited for it there. */
  readonly reply: (topic: string, reply: Reply) => Effect.Effect<boolean>
  /** As `reply`, for who does not wait for that. */
  readonly sendReply: (topic: string, reply: Reply) => void
}

/** One run of a handler for a delivery that another pod has. */
export interface RelayedRun {
  readonly name: SubscriptionName
  readonly message: Message
  /** From 1. */
  readonly attempt: number
  readonly handler: Handler
  readonly filter: FilterFunction | undefined
}

/** What came of it. */
export type Ran = "Done" | "NotBegun" | Failure
