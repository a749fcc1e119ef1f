/** Drafts and options for tests, with everything at its default. */
import { Schema } from "effect"
import type { Draft } from "../../../src/domain/Message.ts"
import {
  optionsDefault,
  SubscriptionName,
  type SubscriptionOptions
} from "../../../src/domain/Subscription.ts"
import { TopicName } from "../../../src/domain/Topic.ts"
import { TopicPattern } from "../../../src/domain/TopicPattern.ts"

/** A draft with this payload. */
export const draft = (topic: string, payload: unknown, more: Partial<Draft> = {}): Draft => {
  const text = JSON.stringify(payload)
  return {
    topic: Schema.decodeUnknownSync(TopicName)(topic),
    payload: text,
    payloadBytes: Buffer.byteLength(text),
    priority: 0,
    key: undefined,
    idempotencyKey: undefined,
    headers: undefined,
    contentType: undefined,
    traceparent: undefined,
    deliverAt: undefined,
    expiresAt: undefined,
    context: undefined,
    ...more
  }
}

/** Options with this pattern. */
export const options = (
  topic: string,
  more: Partial<SubscriptionOptions> = {}
): SubscriptionOptions => ({
  ...optionsDefault,
  topic: Schema.decodeUnknownSync(TopicPattern)(topic),
  ...more
})

/** A subscription name. */
export const named = (name: string): SubscriptionName =>
  Schema.decodeUnknownSync(SubscriptionName)(name)
