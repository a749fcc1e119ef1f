/**
 * A bus whose messages are traced: each publish, delivery and settlement is a span. A message
 * carries its trace to whoever handles it, over retries, dead letters and replays too.
 *
 * Names are those of OpenTelemetry, "Semantic conventions for messaging". Spans cost microseconds,
 * so nothing of this is there unless traces go somewhere.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import type { Draft } from "../../domain/Message.ts"
import { parseTraceparent, traceparentOf } from "../../domain/TraceContext.ts"
import { type Handler, MessageBus } from "../../services/MessageBus.ts"

type Bus = MessageBus["Service"]

/** The bus, traced. */
export const layer: Layer.Layer<MessageBus, never, MessageBus> = Layer.effect(
  MessageBus,
  Effect.gen(function*() {
    const bus = yield* MessageBus
    const tracer = yield* Effect.tracer
    const traced = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.withTracer(effect, tracer)
    return MessageBus.of({
      ...bus,
      publish: (draft) => traced(publish(bus, draft)),
      publishMany: (drafts) => traced(publishMany(bus, drafts)),
      handle: (name, options, handler, retry, extras) =>
        bus.handle(name, options, (delivery) => traced(handled(handler, delivery)), retry, extras),
      pull: (name, max, waitMs) => traced(pulled(bus, name, max, waitMs)),
      ack: (name, ackIds) => traced(settled("ack", name, ackIds, bus.ack(name, ackIds))),
      nack: (name, ackIds, delayMs) =>
        traced(settled("nack", name, ackIds, bus.nack(name, ackIds, delayMs)))
    })
  })
)

const system = { "messaging.system": "codefactory" } as const

/** The span that a text names, from elsewhere. */
const spanOf = (traceparent: string | undefined): Tracer.ExternalSpan | undefined => {
  const found = parseTraceparent(traceparent)
  return found === undefined
    ? undefined
    : Tracer.externalSpan({
      traceId: found.traceId,
      spanId: found.spanId,
      sampled: found.isSampled
    })
}

const textOf = ({ sampled, spanId, traceId }: Tracer.Span): string =>
  traceparentOf({ traceId, spanId, isSampled: sampled })

/** Options of a span; without a parent it has that of the code around it, if there is one. */
const options = (
  kind: Tracer.SpanKind,
  parent: Tracer.AnySpan | undefined,
  attributes: Readonly<Record<string, unknown>>
) => ({
  kind,
  attributes: { ...system, ...attributes },
  captureStackTrace: false,
  ...(parent === undefined ? {} : { parent })
})

/** The message has the span of its publish as its parent. */
const publish = (bus: Bus, draft: Draft): ReturnType<Bus["publish"]> =>
  Effect.useSpan(
    `send ${draft.topic}`,
    options("producer", spanOf(draft.traceparent), {
      "messaging.operation.name": "publish",
      "messaging.operation.type": "send",
      "messaging.destination.name": draft.topic,
      "messaging.message.body.size": draft.payloadBytes
    }),
    (span) =>
      Effect.tap(bus.publish({ ...draft, traceparent: textOf(span) }), ({ id }) =>
        Effect.sync(() => span.attribute("messaging.message.id", id)))
  )

/** One span for all; who has a trace of its own keeps it. */
const publishMany = (bus: Bus, drafts: ReadonlyArray<Draft>): ReturnType<Bus["publishMany"]> =>
  Effect.useSpan(
    "send batch",
    options("producer", undefined, {
      "messaging.operation.name": "publish",
      "messaging.operation.type": "send",
      "messaging.batch.message_count": drafts.length
    }),
    (span) =>
      bus.publishMany(
        drafts.map((draft) =>
          draft.traceparent === undefined ? { ...draft, traceparent: textOf(span) } : draft
        )
      )
  )

const handled = (
  handler: Handler,
  delivery: Parameters<Handler>[0]
): ReturnType<Handler> => {
  const { attempt, message: { id, topic, traceparent }, subscription } = delivery
  return Effect.withSpan(
    handler(delivery),
    `process ${topic}`,
    options("consumer", spanOf(traceparent), {
      "messaging.operation.name": "handle",
      "messaging.operation.type": "process",
      "messaging.destination.name": topic,
      "messaging.destination.subscription.name": subscription,
      "messaging.message.id": id,
      "codefactory.attempt": attempt
    })
  )
}

/** Linked to the messages, which have traces of their own. */
const pulled = (bus: Bus, name: string, max: number, waitMs: number): ReturnType<Bus["pull"]> =>
  Effect.useSpan(
    `receive ${name}`,
    options("consumer", undefined, {
      "messaging.operation.name": "pull",
      "messaging.operation.type": "receive",
      "messaging.destination.subscription.name": name
    }),
    (span) =>
      Effect.tap(bus.pull(name, max, waitMs), (deliveries) =>
        Effect.sync(() => {
          span.attribute("messaging.batch.message_count", deliveries.length)
          span.addLinks(deliveries.flatMap(({ message }) => {
            const from = spanOf(message.traceparent)
            return from === undefined ? [] : [{ span: from, attributes: {} }]
          }))
        }))
  )

const settled = <A, E>(
  what: "ack" | "nack",
  name: string,
  ackIds: ReadonlyArray<string>,
  effect: Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.useSpan(
    `settle ${name}`,
    options("client", undefined, {
      "messaging.operation.name": what,
      "messaging.operation.type": "settle",
      "messaging.destination.subscription.name": name,
      "messaging.batch.message_count": ackIds.length
    }),
    () => effect
  )
