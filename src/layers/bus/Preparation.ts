/**
 * Preparation: what is decided about a draft before anything is written. Every refusal is here.
 */
import * as Result from "effect/Result"
import { contentScopeOf, scopeOf } from "../../domain/IdempotencyKey.ts"
import { type Draft, type Message, payloadBytesMax, PayloadTooLarge } from "../../domain/Message.ts"
import type { MessageId } from "../../domain/MessageId.ts"
import { hash32, logLaneOf, orderText, partitionOf } from "../../domain/Position.ts"
import { laneOf } from "../../domain/Priority.ts"
import { isReplyTopic } from "../../domain/Request.ts"
import { type TopicName, TopicReserved } from "../../domain/Topic.ts"
import {
  type Accepted,
  IdempotencyConflict,
  IdempotencyInFlight,
  type PublishError
} from "../../services/MessageBus.ts"
import type { LogEntry } from "../../services/MessageLog.ts"
import { fingerprintOf } from "../drivers/hash/Fingerprint.ts"
import { refusalOf } from "./Backpressure.ts"
import type { Core } from "./Core.ts"
import type { Known } from "./Deduplication.ts"
import { waits } from "./Delays.ts"
import { closedOf, isOpen } from "./Openness.ts"
import { replied } from "./Requests.ts"
import type { Outgoing } from "./Router.ts"
import type { Shard } from "./Shard.ts"
import { Slot } from "./Slot.ts"

/** A draft that goes into the log, with a place in its shard and its idempotency key claimed. */
export interface Appended {
  readonly _tag: "Append"
  readonly outgoing: Outgoing
  readonly scope: string | undefined
}

/**
 * A draft on its way: for the log; a repeat of one that is on its way now; or answered already.
 */
export type Prepared =
  | Appended
  | { readonly _tag: "Repeat"; readonly scope: string }
  | { readonly _tag: "Answer"; readonly result: Result.Result<Accepted, PublishError> }

/** What preparing needs of the bus. */
export interface Preparing {
  readonly core: Core
  readonly nextId: (now: number, partition: number) => MessageId
}

/** Checks a draft, routes it, claims its key and reserves its place; or refuses it. */
export const prepare = (preparing: Preparing, draft: Draft, now: number): Prepared => {
  const { core } = preparing
  const { idempotencyKey, key, topic } = draft
  if (isReplyTopic(topic)) return answered(core, replied(core, draft))
  if (!isOpen(core)) return refuse(core, closedOf(core))
  const known = core.topics.get(topic)
  if (known.reserved) return refuse(core, new TopicReserved({ topic }))
  if (draft.payloadBytes > payloadBytesMax) return refuse(core, tooLarge(draft.payloadBytes))
  if (draft.deliverAt !== undefined) {
    const refusal = core.delays.refusal(draft, now)
    if (refusal !== undefined) return refuse(core, refusal)
  }
  const position = key === undefined ? known.position : hash32(orderText(topic, key))
  const shard = key === undefined ? core.shardSet.ofTopic(known) : core.shardSet.at(position)
  if (idempotencyKey !== undefined || core.options.contentHash) {
    return prepareKeyed(preparing, draft, known.name, position, now)
  }
  const refused = refusalOf(core, shard, draft.payloadBytes)
  if (refused !== undefined) return refuse(core, refused)
  const entry = entryOf(preparing, draft, known.name, position, now, undefined)
  return appendedOf(core, shard, position, entry, undefined)
}

/** One that waits for its time keeps its place until it is stored: the gate counts for it too. */
const appendedOf = (
  core: Core,
  shard: Shard,
  position: number,
  entry: LogEntry,
  scope: string | undefined
): Appended => {
  if (waits(entry.message)) core.delays.reserve(entry)
  const slot = new Slot(shard, position, entry.lane, entry.bytes)
  return { _tag: "Append", outgoing: { entry, slot }, scope }
}

const prepareKeyed = (
  preparing: Preparing,
  draft: Draft,
  topic: TopicName,
  position: number,
  now: number
): Prepared => {
  const { core } = preparing
  const { idempotencyKey, key } = draft
  const shard = core.shardSet.at(position)
  const fingerprint = fingerprintOf(draft)
  const scope = idempotencyKey === undefined
    ? contentScopeOf(topic, key, fingerprint)
    : scopeOf(topic, key, idempotencyKey)
  const before = core.claims.find(scope, now)
  if (before !== undefined) return repeated(core, draft, scope, fingerprint, before)
  const refused = refusalOf(core, shard, draft.payloadBytes)
  if (refused !== undefined) return refuse(core, refused)
  core.claims.begin(scope, fingerprint)
  const entry = entryOf(preparing, draft, topic, position, now, fingerprint)
  return appendedOf(core, shard, position, entry, scope)
}

const answered = (core: Core, result: Result.Result<Accepted, PublishError>): Prepared =>
  Result.isFailure(result) ? refuse(core, result.failure) : { _tag: "Answer", result }

/** What is answered to a repeat of `before`. */
const repeated = (
  core: Core,
  draft: Draft,
  scope: string,
  fingerprint: string,
  before: Known
): Prepared => {
  const idempotencyKey = draft.idempotencyKey ?? ""
  if (before.fingerprint !== fingerprint) {
    const firstId = before.state === "Accepted" ? before.id : ""
    return refuse(core, new IdempotencyConflict({ idempotencyKey, firstId }))
  }
  return before.state === "InFlight"
    ? { _tag: "Repeat", scope }
    : { _tag: "Answer", result: Result.succeed(duplicateOf(core, draft, before.id)) }
}

/** The answer to a repeat of message `id`. */
export const duplicateOf = (core: Core, draft: Draft, id: string): Accepted => {
  core.duplicates++
  return {
    id,
    topic: draft.topic,
    shard: core.shardOf(draft.topic, draft.key).id,
    durability: core.log.durability,
    duplicate: true,
    owner: core.others.pod
  }
}

/** What is answered while the first publish under the key has not finished. */
export const inFlight = (
  core: Core,
  draft: Draft
): Result.Result<Accepted, IdempotencyInFlight> => {
  const error = new IdempotencyInFlight({ idempotencyKey: draft.idempotencyKey ?? "" })
  core.countRefused(error._tag)
  return Result.fail(error)
}

const refuse = (core: Core, error: PublishError): Prepared => {
  core.countRefused(error._tag)
  return { _tag: "Answer", result: Result.fail(error) }
}

const tooLarge = (sizeBytes: number): PayloadTooLarge =>
  new PayloadTooLarge({ field: "payload", sizeBytes, limitBytes: payloadBytesMax })

/** The entry of a draft: a message with id, partition and time. */
const entryOf = (
  { nextId }: Preparing,
  draft: Draft,
  topic: TopicName,
  position: number,
  now: number,
  fingerprint: string | undefined
): LogEntry => {
  const partition = partitionOf(position)
  const lane = laneOf(draft.priority)
  const message: Message = {
    id: draft.id ?? nextId(now, partition),
    topic,
    payload: draft.payload,
    priority: draft.priority,
    key: draft.key,
    idempotencyKey: draft.idempotencyKey,
    headers: draft.headers,
    contentType: draft.contentType,
    traceparent: draft.traceparent,
    publishedAt: now,
    deliverAt: draft.deliverAt,
    expiresAt: draft.expiresAt,
    context: draft.context,
    replayOf: undefined
  }
  return {
    message,
    bytes: draft.payloadBytes + (draft.headers?.length ?? 0),
    partition,
    lane,
    logLane: logLaneOf(partition, lane),
    fingerprint,
    offset: -1,
    pending: 0
  }
}
