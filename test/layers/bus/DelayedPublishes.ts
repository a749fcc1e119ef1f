/** Publishing messages that wait for their time, and draining a subscription, for tests. */
import { Clock, Effect } from "effect"
import type { MessageBus } from "../../../src/services/MessageBus.ts"
import { draft } from "./Drafts.ts"
import { payloads } from "./Edges.ts"

type Service = MessageBus["Service"]

/** Publishes payloads with their delays in milliseconds from now. */
export const publishDelayed = (
  bus: Service,
  delays: ReadonlyArray<readonly [payload: number, delayMs: number]>
) =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (now) =>
      bus.publishMany(
        delays.map(([payload, delayMs]) => draft("t", payload, { deliverAt: now + delayMs }))
      )
  )

/** Takes and acknowledges what can be pulled now. */
export const drain = (bus: Service, name = "s") =>
  Effect.gen(function*() {
    const taken = yield* bus.pull(name, 100, 0)
    yield* bus.ack(name, taken.map(({ ackId }) => ackId))
    return payloads(taken).map(Number)
  })
