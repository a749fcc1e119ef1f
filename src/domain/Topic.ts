/**
 * Topics: the names messages are published to.
 *
 * Names under `message_bus` (announcements of the bus) and `_reply` (answers to requests) belong
 * to the bus: a client that may publish there could forge a pause or steal a reply.
 */
import * as Schema from "effect/Schema"

/** Longest topic in characters. Source: design, "Words" (the limit Kafka puts on topic names). */
export const topicLengthMax = 249

const segments = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/

/** Dot-separated segments of ASCII letters, digits, `_` and `-`; at most 249 characters. */
export const TopicName = Schema.String.check(
  Schema.isMaxLength(topicLengthMax),
  Schema.isPattern(segments, {
    message: "expected dot-separated segments of letters, digits, '_' and '-'"
  })
).pipe(Schema.brand("TopicName"))
/** A checked topic name. */
export type TopicName = typeof TopicName.Type

/** Whether `text` is a topic name. */
export const isTopicName = (text: string): text is TopicName =>
  text.length <= topicLengthMax && segments.test(text)

/** First segments that belong to the bus. Source: design, section 5, "Announcements". */
export const reservedSegments = ["message_bus", "_reply"] as const

/** Whether clients may neither publish to `topic` nor match it by a wildcard. */
export const isReserved = (topic: string): boolean =>
  reservedSegments.some((segment) => topic === segment || topic.startsWith(`${segment}.`))

/** The topic belongs to the bus itself. Remedy: publish under another first segment. */
export class TopicReserved extends Schema.TaggedError<TopicReserved>()("TopicReserved", {
  topic: Schema.String
}) {}
