/**
 * Requests at run time: who waits for which reply.
 *
 * A reply never enters the log, a shard or the topic cache: it goes from the publish that brings it
 * to the fibre that waits, by the name of its topic. That name alone proves who may reply, so it
 * must not be guessable (`CoreOptions.replyId`).
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import {
  type Draft,
  headersBytesMax,
  type Message,
  MessageInvalid,
  payloadBytesMax,
  PayloadTooLarge
} from "../../domain/Message.ts"
import { hash32, partitionOf } from "../../domain/Position.ts"
import {
  isReplyTopic,
  podOfReply,
  replyToHeader,
  replyTopicOf,
  requestHeaders
} from "../../domain/Request.ts"
import { isTopicName } from "../../domain/Topic.ts"
import { type Accepted, BusClosed, type PublishError } from "../../services/MessageBus.ts"
import {
  type Reply,
  type RequestError,
  RequestLimit,
  type Requests,
  RequestTimeout
} from "../../services/Requests.ts"
import type { Core } from "./Core.ts"
import type { Publisher } from "./Publisher.ts"

/** The requests of one bus. Mutable on purpose: it changes with each of them. */
export class RequestTable {
  answered = 0
  timedOut = 0
  /** Replies nobody waited for: late, second, or of no request of this process. */
  late = 0
  private readonly waiting = new Map<string, Deferred.Deferred<Reply, BusClosed>>()

  /** How many wait. */
  get size(): number {
    return this.waiting.size
  }

  /** Waits for what is replied to `topic`, until `leave`. */
  enter(topic: string): Deferred.Deferred<Reply, BusClosed> {
    const reply = Deferred.makeUnsafe<Reply, BusClosed>()
    this.waiting.set(topic, reply)
    return reply
  }

  /** Nobody waits for `topic` any more. */
  leave(topic: string): void {
    this.waiting.delete(topic)
  }

  /** Hands a reply to who waits for it; `false` when nobody does. */
  reply(topic: string, reply: Reply): boolean {
    const waiting = this.waiting.get(topic)
    if (waiting === undefined) {
      this.late++
      return false
    }
    this.waiting.delete(topic)
    this.answered++
    // Deferred: a resumed fibre runs at once, and this may be within the publish of a batch.
    queueMicrotask(() => Deferred.doneUnsafe(waiting, Effect.succeed(reply)))
    return true
  }

  /** The bus is closed: nobody will be answered. */
  close(): void {
    const closed = Effect.fail(new BusClosed({ state: "Closed" }))
    const waiting = [...this.waiting.values()]
    this.waiting.clear()
    waiting.forEach((reply) => Deferred.doneUnsafe(reply, closed))
  }
}

/** The service over a table. */
export const make = (core: Core, publish: Publisher["publish"]): Requests => ({
  request: (draft, timeoutMs) =>
    Effect.suspend((): Effect.Effect<Reply, RequestError> => {
      const { options: { pod, replyId, requestsMax }, requests } = core
      if (requests.size >= requestsMax) {
        core.countRefused("RequestLimit")
        return Effect.fail(new RequestLimit({ limit: requestsMax }))
      }
      const id = replyId()
      const replyTo = replyTopicOf(pod, id)
      const headers = requestHeaders(draft.headers, replyTo, id)
      const sizeBytes = Buffer.byteLength(headers)
      if (sizeBytes > headersBytesMax) return Effect.fail(tooLarge("headers", sizeBytes))
      const deadline = core.now() + timeoutMs
      const expiresAt = Math.min(draft.expiresAt ?? deadline, deadline)
      const reply = requests.enter(replyTo)
      return Effect.andThen(publish({ ...draft, headers, expiresAt }), Deferred.await(reply)).pipe(
        Effect.timeoutOrElse({
          duration: timeoutMs,
          orElse: () => {
            requests.timedOut++
            return Effect.fail(new RequestTimeout({ topic: draft.topic, timeoutMs }))
          }
        }),
        Effect.ensuring(Effect.sync(() => requests.leave(replyTo)))
      )
    })
})

/** Takes a draft for a reply topic: accepted, whether or not somebody waits for it. */
export const replied = (core: Core, draft: Draft): Result.Result<Accepted, PublishError> => {
  const { contentType, headers, payload, payloadBytes, topic } = draft
  if (core.state === "NotStarted" || core.state === "Closed") {
    return Result.fail(new BusClosed({ state: core.state }))
  }
  if (payloadBytes > payloadBytesMax) return Result.fail(tooLarge("payload", payloadBytes))
  const reply = { payload, headers, contentType }
  if (isElsewhere(core, topic)) core.others.sendReply(topic, reply)
  else take(core, topic, reply)
  return Result.succeed({
    id: core.options.nextId(core.now(), partitionOf(hash32(topic))),
    topic,
    shard: core.shardOf(topic, undefined).id,
    durability: "memory",
    duplicate: false
  })
}

/** Replies to the request that a message is; `false` when it is none, or nobody waits any more. */
export const replyTo = (
  core: Core,
  message: Message,
  headers: Readonly<Record<string, string>>,
  value: unknown
): Effect.Effect<boolean, MessageInvalid | PayloadTooLarge> =>
  Effect.suspend((): Effect.Effect<boolean, MessageInvalid | PayloadTooLarge> => {
    const topic = headers[replyToHeader]
    if (topic === undefined || !isTopicName(topic) || !isReplyTopic(topic)) {
      return Effect.succeed(false)
    }
    const payload = Result.try((): unknown => JSON.stringify(value))
    if (Result.isFailure(payload) || typeof payload.success !== "string") {
      const reason = `the reply to ${message.id} has no JSON form`
      return Effect.fail(new MessageInvalid({ field: "reply", reason }))
    }
    const sizeBytes = Buffer.byteLength(payload.success)
    if (sizeBytes > payloadBytesMax) return Effect.fail(tooLarge("reply", sizeBytes))
    const reply = { payload: payload.success, headers: undefined, contentType: undefined }
    return isElsewhere(core, topic)
      ? core.others.reply(topic, reply)
      : Effect.succeed(take(core, topic, reply))
  })

const isElsewhere = ({ others: { pod } }: Core, topic: string): boolean =>
  pod !== undefined && podOfReply(topic) !== pod

/** Hands a reply to who waits for it here; `false` when nobody does. */
export const take = (core: Core, topic: string, reply: Reply): boolean => {
  const isAwaited = core.requests.reply(topic, reply)
  if (!isAwaited) core.options.debug(`a reply to ${topic} was ignored: nobody waits for it`)
  return isAwaited
}
const tooLarge = (field: string, sizeBytes: number): PayloadTooLarge =>
  new PayloadTooLarge({
    field,
    sizeBytes,
    limitBytes: field === "headers" ? headersBytesMax : payloadBytesMax
  })
