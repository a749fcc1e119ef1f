/**
 * What pods say to each other: one request and one reply, as JSON text.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type DeadLetterFilter, DeadLetterUnknown } from "../../domain/DeadLetter.ts"
import { type Draft, type Message, MessageInvalid, PayloadTooLarge } from "../../domain/Message.ts"
import {
  type Subscription,
  SubscriptionBroadcast,
  SubscriptionHandled,
  type SubscriptionName,
  SubscriptionUnknown
} from "../../domain/Subscription.ts"
import { TopicReserved } from "../../domain/Topic.ts"
import type { TopicPattern } from "../../domain/TopicPattern.ts"
import { HookRefused } from "../../services/Hooks.ts"
import { BacklogFull, DelayedLimit } from "../../services/LogCapacity.ts"
import {
  type Accepted,
  BusClosed,
  IdempotencyConflict,
  IdempotencyInFlight,
  KeysUnavailable
} from "../../services/MessageBus.ts"
import { LogUnavailable, type ScanRequest } from "../../services/MessageLog.ts"
import type { FedPlace } from "../../services/OtherPods.ts"
import type { ParkedFilter } from "../../services/Parked.ts"
import type { Reply } from "../../services/Requests.ts"
import type { ShardChange } from "../../services/ShardChange.ts"
import { ShardFull, ShardPaused } from "../../services/Shards.ts"

/** A message on its way to the pod that has its partition; `id` tells a repeat. */
export type Forwarded = Draft & { readonly id: NonNullable<Draft["id"]> }

/** What a pod asks another one. */
export type Ask =
  | { readonly kind: "hello" }
  /** `sentAt` is the time of the sender, in Unix milliseconds. */
  | {
    readonly kind: "publish"
    readonly sentAt: number
    readonly drafts: ReadonlyArray<Forwarded>
  }
  | { readonly kind: "pull"; readonly name: string; readonly max: number }
  | { readonly kind: "wait"; readonly name: string; readonly since: number }
  | {
    readonly kind: "ack" | "nack" | "extend"
    readonly name: string
    readonly ackIds: ReadonlyArray<string>
    readonly ms?: number | undefined
  }
  | { readonly kind: "starts"; readonly from: "now" | "earliest" }
  | { readonly kind: "welcome"; readonly subscription: Subscription }
  | { readonly kind: "dismiss"; readonly incarnation: number }
  | { readonly kind: "status"; readonly id: string }
  | { readonly kind: "replay"; readonly filter: DeadLetterFilter; readonly dryRun: boolean }
  | { readonly kind: "edit"; readonly id: number; readonly payload: string }
  | { readonly kind: "deleteLetters"; readonly filter: DeadLetterFilter }
  | {
    readonly kind: "parked"
    readonly filter: ParkedFilter
    readonly after: number
    readonly limit: number
  }
  | { readonly kind: "release" | "drop"; readonly filter: ParkedFilter }
  /** For the tails of others: the lanes, or what came since a place, of that pod alone. */
  | { readonly kind: "lanes" }
  | { readonly kind: "feed"; readonly pod: string; readonly since: FedPlace | undefined }
  | {
    readonly kind: "scan"
    readonly request: Omit<ScanRequest, "wants">
    readonly pattern: TopicPattern
  }
  | {
    readonly kind: "reply"
    readonly pod: string
    readonly topic: string
    readonly reply: Reply
  }
  | { readonly kind: "shards"; readonly change: ShardChange }
  /** Its live state. */
  | { readonly kind: "snapshot" }
  /** Who has handlers, to look that up anew, and to run one. */
  | { readonly kind: "handlers" }
  | { readonly kind: "look" }
  | {
    readonly kind: "handle"
    readonly pod: string
    readonly name: SubscriptionName
    readonly attempt: number
    readonly message: Message
  }

/** Requests whose reply may take its time. */
export const isWaiting = ({ kind }: Ask): boolean =>
  kind === "wait" || kind === "feed" || kind === "handle"

/** What became of one forwarded message; `Elsewhere`: this pod does not have its partition. */
export type Outcome =
  | { readonly accepted: Accepted }
  | { readonly refused: unknown }
  | "Elsewhere"

/** What a pod replies, and which partitions it has. */
export interface Said {
  readonly pod: string
  readonly owned: ReadonlyArray<number>
  readonly value?: unknown
  /** As `encodeError` makes it. */
  readonly error?: unknown
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** As bytes. */
export const toBytes = (value: object): Uint8Array => encoder.encode(JSON.stringify(value))

/**
 * From the bytes of `toBytes` of the same type. Not checked: pods trust each other, they are one
 * program, and a later version only adds fields (see ARCHITECTURE.md).
 */
export const fromBytes = <A extends object>(bytes: Uint8Array): A =>
  JSON.parse(decoder.decode(bytes)) as A // As said above.

/** The value of a reply, which is what the request asks for. */
export const valueOf = <A>({ value }: Said): A => value as A // As said above.

const Refused = Schema.toCodecJson(Schema.Union([
  BusClosed,
  ShardFull,
  ShardPaused,
  IdempotencyConflict,
  IdempotencyInFlight,
  KeysUnavailable,
  TopicReserved,
  MessageInvalid,
  PayloadTooLarge,
  HookRefused,
  BacklogFull,
  DelayedLimit,
  LogUnavailable,
  SubscriptionUnknown,
  SubscriptionHandled,
  SubscriptionBroadcast,
  DeadLetterUnknown
]))

/** An error that a pod may reply with. */
export type Refused = typeof Refused.Type

/** An error as it travels. */
export const encodeError: (error: Refused) => unknown = Schema.encodeSync(Refused)

const decode = Schema.decodeUnknownOption(Refused)

/** An error that travelled; one of a later version is told as it is. */
export const decodeError = (error: unknown): Refused =>
  Option.getOrElse(
    decode(error),
    () =>
      new LogUnavailable({
        reason: "Io",
        detail: `another pod refused it: ${JSON.stringify(error)}`
      })
  )
