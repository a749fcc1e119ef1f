/**
 * The shapes that requests and replies have in common, as schemas: for the description of the API.
 */
import * as Schema from "effect/Schema"
import { DeadLetterReason, ParkReason } from "../../../domain/Delivery.ts"
import { keyLengthMax } from "../../../domain/Message.ts"
import { requestMs } from "../../../domain/Request.ts"
import { TopicName } from "../../../domain/Topic.ts"
import { contentTypeLengthMax } from "../MessageFields.ts"

const about = (description: string) => ({ description })

/** A time as replies have it. */
export const Instant = Schema.String.annotate(about("ISO 8601 in UTC"))

/** An optional field. */
export const maybe = Schema.optionalKey

const text = (description: string) => Schema.String.annotate(about(description))

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
/** A count of something. */
export const Count = count

const instantIn = Schema.String.check(
  Schema.isPattern(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/)
)

const key = Schema.NonEmptyString.check(Schema.isMaxLength(keyLengthMax))

const messageFields = {
  payload: Schema.Unknown.annotate(about("Any JSON; handed on byte for byte")),
  key: maybe(key.annotate(about("Messages with the same topic and key keep their order"))),
  priority: maybe(
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
      .annotate(about("5 and above overtake"))
  ),
  idempotencyKey: maybe(key.annotate(about("Accepts the message once per hour, topic and key"))),
  headers: maybe(Schema.Record(Schema.String, Schema.String)),
  contentType: maybe(
    Schema.String.check(
      Schema.isMaxLength(contentTypeLengthMax),
      Schema.isPattern(/^[\x21-\x7e][\x20-\x7e]*$/)
    )
  ),
  traceparent: maybe(
    Schema.String.check(
      Schema.isPattern(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/)
    ).annotate(about("W3C trace context"))
  ),
  deliverAt: maybe(instantIn.annotate(about("Not delivered before; ISO 8601 with a zone"))),
  expiresAt: maybe(instantIn.annotate(about("Not delivered from then on; ISO 8601 with a zone")))
}

/** A message to publish; its decoder is written by hand, and a test holds the two together. */
export const MessageIn = Schema.Struct(messageFields)

/** A message of a batch, which names its topic. */
export const BatchItem = Schema.Struct({ topic: TopicName, ...messageFields })

const { deliverAt: _at, expiresAt: _until, idempotencyKey: _once, ...requestFields } = messageFields

/** A request: a message, and how long its reply may take. */
export const RequestIn = Schema.Struct({
  ...requestFields,
  timeoutMs: maybe(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: requestMs.max })))
})

/** A reply to a request. */
export const Replied = Schema.Struct({
  payload: Schema.Unknown,
  headers: Schema.Record(Schema.String, Schema.String),
  contentType: Schema.NullOr(Schema.String)
})

/** What became of an accepted message. */
const accepted = {
  id: text("UUID; carries the message's partition"),
  shard: Schema.Int,
  durability: Schema.Literals(["memory", "local", "replicated"]),
  duplicate: Schema.Boolean.annotate(about("The same message was accepted before"))
}
/** The reply of one message. */
export const Accepted = Schema.Struct({ ...accepted, topic: Schema.String })

/** A problem document. Fields beside these depend on its type. */
export const Problem = Schema.StructWithRest(
  Schema.Struct({
    type: Schema.String,
    title: Schema.String,
    status: Schema.Int,
    detail: Schema.String
  }),
  [Schema.Record(Schema.String, Schema.Unknown)]
)

/** The reply of a batch, in order. */
export const Batch = Schema.Struct({
  accepted: Count,
  refused: Count,
  results: Schema.Array(
    Schema.Union([Schema.Struct(accepted), Schema.Struct({ error: Problem })])
  )
})

/** A message as it is handed out. */
export const MessageOut = Schema.Struct({
  id: Schema.String,
  topic: Schema.String,
  payload: Schema.Unknown,
  key: Schema.NullOr(Schema.String),
  priority: Schema.Int,
  headers: Schema.Record(Schema.String, Schema.String),
  contentType: Schema.NullOr(Schema.String),
  traceparent: Schema.NullOr(Schema.String),
  publishedAt: Instant,
  replayOf: maybe(text("The message that this one is an edited copy of"))
})

/** The deliveries of a pull. */
export const Deliveries = Schema.Struct({
  deliveries: Schema.Array(Schema.Struct({
    ackId: text("Opaque; for ack, nack and extend"),
    attempt: Schema.Int,
    leaseExpiresAt: Instant,
    message: MessageOut
  }))
})

/** What an ack, nack or extension did. */
export const Settled = Schema.Struct({
  done: Count,
  unknown: Schema.Array(Schema.String).annotate(about("Ack ids that are stale or never were valid"))
})

const kept = {
  id: Schema.String,
  subscription: Schema.String,
  message: MessageOut,
  error: Schema.String,
  attempts: Count
}

/** A dead letter. */
export const DeadLetterOut = Schema.Struct({ ...kept, reason: DeadLetterReason, failedAt: Instant })

/** A parked delivery. */
export const ParkedOut = Schema.Struct({ ...kept, reason: ParkReason, parkedAt: Instant })

/** Where the next page begins; absent on the last one. */
export const next = { next: maybe(text("Pass it as `after` to have the next page")) }
