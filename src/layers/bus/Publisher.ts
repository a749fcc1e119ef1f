/**
 * The publisher: every refusal first, then one write, then the hand-over to the router.
 *
 * position -> shard -> reserve a slot -> deduplicate -> append -> route inside the commit -> reply.
 * The append is not interruptible: who gives up waiting cannot leave a message half accepted.
 */
import { Effect, Result } from "effect"
import { type Draft, type Message, payloadBytesMax, PayloadTooLarge } from "../../domain/Message.ts"
import type { MessageId } from "../../domain/MessageId.ts"
import { hash32, logLaneOf, orderText, partitionOf } from "../../domain/Position.ts"
import { laneOf } from "../../domain/Priority.ts"
import { TopicReserved } from "../../domain/Topic.ts"
import {
  type Accepted,
  BusClosed,
  IdempotencyConflict,
  IdempotencyInFlight,
  type PublishError,
  ShardFull
} from "../../services/MessageBus.ts"
import type { LogEntry } from "../../services/MessageLog.ts"
import type { Core } from "./Core.ts"
import { Deduplication, fingerprintOf, scopeOf } from "./Deduplication.ts"
import { type Outgoing, route, type StartReader } from "./Router.ts"
import { Slot } from "./Slot.ts"

/** When a refused publisher should try again, in milliseconds. */
export const shardFullRetryMs = 1_000

/**
 * Messages after which a publisher lets others run. Measured: without it a loop of publishes fills
 * the queues before a worker starts, and garbage collection takes 40 % of the time instead of 5.
 */
export const burstMax = 256

/** A draft on its way: prepared for the log, or answered without it. */
type Prepared =
  | { readonly _tag: "Append"; readonly outgoing: Outgoing; readonly scope: string | undefined }
  | { readonly _tag: "Repeat"; readonly scope: string; readonly fingerprint: string }
  | { readonly _tag: "Answer"; readonly result: Result.Result<Accepted, PublishError> }

/** The two ways to publish. */
export interface Publisher {
  readonly publish: (draft: Draft) => Effect.Effect<Accepted, PublishError>
  readonly publishMany: (
    drafts: ReadonlyArray<Draft>
  ) => Effect.Effect<ReadonlyArray<Result.Result<Accepted, PublishError>>>
}

/** The publisher of a bus. `nextId` makes message ids. */
export const make = (
  core: Core,
  startReader: StartReader,
  nextId: (now: number, partition: number) => MessageId
): Publisher => {
  const claims = new Deduplication(core.log.recovered.claims, core.now())

  const prepare = (draft: Draft, now: number): Prepared => {
    const { idempotencyKey, key, topic } = draft
    if (core.state !== "Running") {
      return refuse(new BusClosed({ state: core.state === "Closing" ? "Closing" : core.state }))
    }
    const known = core.topics.get(topic)
    if (known.reserved) return refuse(new TopicReserved({ topic }))
    if (draft.payloadBytes > payloadBytesMax) return refuse(tooLarge(draft))
    const position = key === undefined ? known.position : hash32(orderText(topic, key))
    const shard = core.shardAt(position)
    if (idempotencyKey !== undefined) {
      const scope = scopeOf(topic, key, idempotencyKey)
      const fingerprint = fingerprintOf(draft)
      const before = claims.find(scope, now)
      if (before !== undefined) return repeat(draft, shard.id, scope, fingerprint, before)
      if (shard.isFull(draft.payloadBytes)) return full(shard.id)
      claims.begin(scope, fingerprint, now)
      const entry = entryOf(draft, position, nextId, now, fingerprint)
      return { _tag: "Append", outgoing: { entry, slot: new Slot(shard, entry.bytes) }, scope }
    }
    if (shard.isFull(draft.payloadBytes)) return full(shard.id)
    const entry = entryOf(draft, position, nextId, now, undefined)
    return {
      _tag: "Append",
      outgoing: { entry, slot: new Slot(shard, entry.bytes) },
      scope: undefined
    }
  }

  const repeat = (
    draft: Draft,
    shard: number,
    scope: string,
    fingerprint: string,
    before: NonNullable<ReturnType<typeof claims.find>>
  ): Prepared => {
    const idempotencyKey = draft.idempotencyKey ?? ""
    if (before.state === "InFlight") return { _tag: "Repeat", scope, fingerprint }
    if (before.fingerprint !== fingerprint) {
      return refuse(new IdempotencyConflict({ idempotencyKey, firstId: before.id }))
    }
    core.duplicates++
    return {
      _tag: "Answer",
      result: Result.succeed({
        id: before.id,
        topic: draft.topic,
        shard,
        durability: core.log.durability,
        duplicate: true
      })
    }
  }

  const refuse = (error: PublishError): Prepared => {
    core.countRefused(error._tag)
    return { _tag: "Answer", result: Result.fail(error) }
  }

  const full = (shard: number): Prepared =>
    refuse(new ShardFull({ shard, retryAfterMs: shardFullRetryMs }))

  const inFlight = (draft: Draft): Prepared =>
    refuse(new IdempotencyInFlight({ idempotencyKey: draft.idempotencyKey ?? "" }))

  const committed = (prepared: ReadonlyArray<Prepared>): void => {
    for (const item of prepared) {
      if (item._tag !== "Append") continue
      const { outgoing: { entry }, scope } = item
      if (scope !== undefined) {
        const { id, publishedAt } = entry.message
        claims.accept(scope, entry.fingerprint ?? "", id, publishedAt)
      }
      route(core, startReader, item.outgoing)
    }
  }

  const takeBack = (prepared: ReadonlyArray<Prepared>): void => {
    for (const item of prepared) {
      if (item._tag !== "Append") continue
      item.outgoing.slot.free()
      if (item.scope !== undefined) claims.forget(item.scope)
      core.countRefused("LogUnavailable")
    }
  }

  const append = (prepared: ReadonlyArray<Prepared>) => {
    const entries: Array<LogEntry> = []
    for (const item of prepared) if (item._tag === "Append") entries.push(item.outgoing.entry)
    if (entries.length === 0) return Effect.void
    const appended = core.log.append(entries, () => committed(prepared))
    if (core.log.durability === "memory") {
      core.burst += entries.length
      if (core.burst < burstMax) return appended
      core.burst = 0
      return Effect.andThen(appended, Effect.yieldNow)
    }
    return Effect.uninterruptible(
      Effect.tapCause(appended, () => Effect.sync(() => takeBack(prepared)))
    )
  }

  const accepted = ({ entry: { message }, slot }: Outgoing): Accepted => ({
    id: message.id,
    topic: message.topic,
    shard: slot.shard.id,
    durability: core.log.durability,
    duplicate: false
  })

  const publish = (draft: Draft): Effect.Effect<Accepted, PublishError> =>
    Effect.suspend(() => {
      const prepared = prepare(draft, core.now())
      switch (prepared._tag) {
        case "Append":
          return Effect.map(append([prepared]), () => accepted(prepared.outgoing))
        case "Answer":
          return Effect.fromResult(prepared.result)
        case "Repeat":
          return Effect.fromResult(answerOf(inFlight(draft)))
      }
    })

  const publishMany: Publisher["publishMany"] = (drafts) =>
    Effect.suspend(() => {
      const now = core.now()
      const prepared = drafts.map((draft) => prepare(draft, now))
      return Effect.map(Effect.result(append(prepared)), (appended) => {
        const again = core.now()
        return prepared.map((item, at): Result.Result<Accepted, PublishError> => {
          if (item._tag === "Answer") return item.result
          if (item._tag === "Append") {
            return Result.map(appended, () => accepted(item.outgoing))
          }
          const draft = drafts[at]
          const first = claims.find(item.scope, again)
          const own = prepared.some((other) =>
            other._tag === "Append" && other.scope === item.scope
          )
          if (draft === undefined) throw new Error("a result without a draft") // A bug.
          return own && Result.isFailure(appended)
            ? Result.fail(appended.failure)
            : answerOf(
              own && first !== undefined
                ? repeat(draft, shardIdOf(draft), item.scope, item.fingerprint, first)
                : inFlight(draft)
            )
        })
      })
    })

  const shardIdOf = (draft: Draft): number => core.shardOf(draft.topic, draft.key).id

  return { publish, publishMany }
}

const answerOf = (prepared: Prepared): Result.Result<Accepted, PublishError> => {
  if (prepared._tag !== "Answer") throw new Error("expected an answer") // A bug.
  return prepared.result
}

const tooLarge = (draft: Draft): PayloadTooLarge =>
  new PayloadTooLarge({
    field: "payload",
    sizeBytes: draft.payloadBytes,
    limitBytes: payloadBytesMax
  })

/** The entry of a draft: a message with id, partition and time. */
const entryOf = (
  draft: Draft,
  position: number,
  nextId: (now: number, partition: number) => MessageId,
  now: number,
  fingerprint: string | undefined
): LogEntry => {
  const partition = partitionOf(position)
  const lane = laneOf(draft.priority)
  const message: Message = {
    id: nextId(now, partition),
    topic: draft.topic,
    payload: draft.payload,
    priority: draft.priority,
    key: draft.key,
    idempotencyKey: draft.idempotencyKey,
    headers: draft.headers,
    contentType: draft.contentType,
    traceparent: draft.traceparent,
    publishedAt: now,
    expiresAt: draft.expiresAt,
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
