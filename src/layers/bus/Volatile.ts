/**
 * Volatile messages: never logged, gated or counted, such as the announcements of the bus itself.
 *
 * They reach who listens at that moment, and nobody else.
 */
import type { Message } from "../../domain/Message.ts"
import { hash32, partitionOf } from "../../domain/Position.ts"
import { TopicName } from "../../domain/Topic.ts"
import type { Core } from "./Core.ts"

/** Topics of announcements. Source: design, section 5, "Announcements". */
export const announced = {
  backpressure: TopicName.make("message_bus.backpressure"),
  resize: TopicName.make("message_bus.resize")
} as const

/** Who listens to volatile messages. */
export class Volatile {
  /** Called in turn, synchronously. */
  readonly listeners = new Set<(message: Message) => void>()
  offered = 0
  /** Listeners that threw. */
  failures = 0
  private readonly warn: (what: string, cause: unknown) => void

  constructor(warn: (what: string, cause: unknown) => void) {
    this.warn = warn
  }

  /** Hands a message to every listener; one that throws keeps nothing from the others. */
  offer(message: Message): void {
    this.offered++
    this.listeners.forEach((listener) => {
      try { // A listener is foreign code: what it throws must not reach who announces.
        listener(message)
      } catch (cause) {
        this.failures++
        this.warn(`a listener of ${message.topic} failed`, cause)
      }
    })
  }
}

/**
 * Announces something of the bus itself to whoever listens. Deferred, because a listener may resume
 * a fibre, which runs at once: inside the step that changed the bus.
 */
export const announce = (core: Core, topic: TopicName, payload: object): void => {
  const now = core.now()
  const message: Message = {
    id: core.options.nextId(now, partitionOf(hash32(topic))),
    topic,
    payload: JSON.stringify(payload),
    priority: 0,
    key: undefined,
    idempotencyKey: undefined,
    headers: undefined,
    contentType: undefined,
    traceparent: undefined,
    publishedAt: now,
    deliverAt: undefined,
    context: undefined,
    expiresAt: undefined,
    replayOf: undefined
  }
  queueMicrotask(() => core.volatile.offer(message))
}
