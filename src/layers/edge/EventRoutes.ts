/**
 * Event streams: every connection sees every match of a subscription. Nothing is leased or settled.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { MessageBus } from "../../services/MessageBus.ts"
import type { Tail } from "../../services/Tails.ts"
import type { Answerable } from "./Answerable.ts"
import { edgeLimits } from "./EdgeLimits.ts"
import { beginText, type EventBytes, heartbeatText, makeEventBytes } from "./EventText.ts"
import { queryDecoder } from "./QueryDecoding.ts"
import { empty, type Reply, type Request, type Route, type Sink } from "./Web.ts"

/** How a stream keeps time. */
export interface StreamTimes {
  readonly heartbeatMs: number
  /** After a lost connection a client waits so long. */
  readonly retryMs: number
}

const timesDefault: StreamTimes = { heartbeatMs: edgeLimits.heartbeatMs, retryMs: 2_000 }

/** `GET /v1/subscriptions/{name}/events`. */
export const eventRoutes = (
  bus: MessageBus["Service"],
  times: StreamTimes = timesDefault
): ReadonlyArray<Route> => [
  {
    method: "GET",
    pattern: "/v1/subscriptions/{name}/events",
    access: "consume",
    body: undefined,
    waits: true,
    handle: events(bus, times)
  }
]

/** The query of a stream: from where. */
export const decodeQuery = queryDecoder(
  Schema.Struct({
    from: Schema.optionalKey(Schema.Literals(["now", "earliest"])),
    lastEventId: Schema.optionalKey(Schema.String)
  })
)

const headers = { "cache-control": "no-cache", "x-accel-buffering": "no" }

const events = (
  bus: MessageBus["Service"],
  times: StreamTimes
): (request: Request) => Effect.Effect<Reply, Answerable> => {
  const bytes = makeEventBytes()
  return (request) => Effect.scoped(stream(bus, times, bytes, request))
}

const stream = Effect.fnUntraced(function*(
  bus: MessageBus["Service"],
  { heartbeatMs, retryMs }: StreamTimes,
  bytes: EventBytes,
  { begin, head, params }: Request
): Effect.fn.Return<Reply, Answerable, Scope.Scope> {
  const { from = "now", lastEventId } = yield* Effect.fromResult(decodeQuery(head.query))
  const position = head.header("last-event-id") || lastEventId // An empty one says nothing.
  const tail = yield* bus.tails.open({
    of: { subscription: params["name"] ?? "" },
    from: position ? { position } : from
  })
  const sink = yield* begin("text/event-stream", headers)
  if (head.method === "HEAD") return empty(200)
  sink.write([beginText(retryMs, tail.position())])
  yield* Effect.forkScoped(beat(tail, sink, heartbeatMs))
  yield* follow(tail, sink, bytes)
  return empty(200)
})

/** Writes what comes, for ever; what the client does not take yet stays in the tail. */
const follow = (tail: Tail, sink: Sink, bytes: EventBytes) => {
  const wanted = { countMax: batchMax, bytesMax: edgeLimits.streamBufferBytesMax }
  const turn = tail.follow(wanted, (events) => sink.write([bytes(events)]))
  return Effect.forever(Effect.andThen(sink.room, turn))
}

/** Writes heartbeats beside it. Measured: a time limit for each wait was two thirds of all. */
const beat = (tail: Tail, sink: Sink, heartbeatMs: number) => {
  const sent: { position: string | undefined } = { position: tail.position() }
  const write = Effect.sync(() => {
    const position = tail.restingPosition() // Never one ahead of what was written.
    sink.write([heartbeatText(position === sent.position ? undefined : position)])
    sent.position = position ?? sent.position
  })
  return Effect.forever(Effect.andThen(Effect.andThen(Effect.sleep(heartbeatMs), sink.room), write))
}

/** Events of one write: the position that the design asks for comes within it. */
const batchMax = 64
