/**
 * Deliveries as a bus would hand them to an executor, and a place for what handlers publish.
 */
import { Context, Effect, Layer, Queue, Schema } from "effect"
import { nothing } from "../../src/domain/ExecutionContext.ts"
import type { Draft, Message } from "../../src/domain/Message.ts"
import { makeIds } from "../../src/domain/MessageId.ts"
import { ParsedMessage } from "../../src/domain/ParsedMessage.ts"
import { SubscriptionName } from "../../src/domain/Subscription.ts"
import { TopicName } from "../../src/domain/Topic.ts"
import { draftFor } from "../../src/layers/embed/Publishing.ts"
import * as LocalSessions from "../../src/layers/sessions/LocalSessions.ts"
import type { PublishOptions } from "../../src/services/CodeFactory.ts"
import * as ExecutionContext from "../../src/services/ExecutionContext.ts"
import type { HandlerCalls, PublishValue } from "../../src/services/Executor.ts"
import type { Accepted, Delivery } from "../../src/services/MessageBus.ts"
import { Sessions } from "../../src/services/Sessions.ts"
import { sessionValues } from "../../src/services/SessionValues.ts"
import { ShardFull } from "../../src/services/Shards.ts"

const nextId = makeIds(() => 7, 0)

/** A message with this payload. */
export const message = (payload: unknown, more: Partial<Message> = {}): Message => ({
  id: nextId(1_700_000_000_000, 3),
  topic: Schema.decodeUnknownSync(TopicName)("orders.placed"),
  payload: JSON.stringify(payload),
  priority: 5,
  key: "a key",
  idempotencyKey: undefined,
  headers: undefined,
  contentType: undefined,
  traceparent: undefined,
  publishedAt: 1_700_000_000_000,
  deliverAt: undefined,
  expiresAt: undefined,
  context: undefined,
  replayOf: undefined,
  ...more
})

class FakeDelivery extends ParsedMessage implements Delivery {
  readonly subscription = Schema.decodeUnknownSync(SubscriptionName)("a-subscription")
  readonly attempt = 2
  readonly replies: Array<unknown> = []

  reply(value: unknown): ReturnType<Delivery["reply"]> {
    return Effect.sync(() => this.replies.push(value) === 1)
  }
}

/** A hand-out of a message with this payload. */
export const delivery = (payload: unknown, more?: Partial<Message>): FakeDelivery =>
  new FakeDelivery(message(payload, more))

/** What a handler published, and the context it was published in. */
export interface Sent extends Draft {
  readonly value: unknown
  readonly within: unknown
}

/** Takes what handlers publish, checked as any publish; the shard of topic `full` is. */
export const outlet = Effect.gen(function*() {
  const queue = yield* Queue.unbounded<Sent>()
  const topics: Array<string> = []
  const publish: PublishValue = (topic, payload, options) =>
    Effect.gen(function*() {
      const draft = yield* draftFor(topic, payload, options as PublishOptions)
      if (topic === "full") return yield* Effect.fail(new ShardFull({ shard: 3, retryAfterMs: 9 }))
      topics.push(topic)
      const { values } = yield* ExecutionContext.reference
      yield* Queue.offer(queue, { ...draft, value: JSON.parse(draft.payload), within: values })
      const accepted: Accepted = {
        id: nextId(1_700_000_000_000, 3),
        topic,
        shard: 1,
        durability: "memory",
        duplicate: false
      }
      return accepted
    })
  const sessions = sessionValues(
    Context.get(yield* Layer.build(Layer.fresh(LocalSessions.layer())), Sessions)
  )
  const calls: HandlerCalls = { publish, sessions }
  return { calls, sent: Queue.take(queue), topics }
})

/** Runs an effect in the context of a message's publisher, as the bus runs handlers. */
export const within = (values: Readonly<Record<string, string>>) =>
  Effect.provideService(ExecutionContext.reference, {
    ...nothing,
    values,
    text: JSON.stringify(values)
  })
