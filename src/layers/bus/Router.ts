/**
 * The router: what happens to committed messages. Runs inside the commit, so in log order.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { LogEntry } from "../../services/MessageLog.ts"
import type { Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"
import { wanting } from "./Filtering.ts"
import { Pending } from "./Pending.ts"
import { catchUp } from "./Reader.ts"
import type { Slot } from "./Slot.ts"

/** A message on its way into the log, with the place in its shard that was reserved for it. */
export interface Outgoing {
  readonly entry: LogEntry
  readonly slot: Slot
}

/** How the router starts readers. */
export type StartReader = (consumer: Consumer) => void

/** Makes readers start in fibres that end with the scope. */
export const readers = (core: Core): Effect.Effect<StartReader, never, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<never>()
    const scope = yield* Effect.scope
    return (consumer) => {
      Effect.runForkWith(context)(Effect.forkIn(catchUp(core, consumer), scope))
    }
  })

/** Makes a consumer known, at once; the effect lets it read up to the head. */
export const introduce = (
  core: Core,
  startReader: StartReader,
  consumer: Consumer
): Effect.Effect<void> => {
  core.consumers.set(consumer.subscription.name, consumer)
  core.topics.put(consumer)
  // A log that forgets must be read before anything else can happen to what it holds.
  return core.log.retainsSettled
    ? Effect.sync(() => startReader(consumer))
    : catchUp(core, consumer)
}

/** Hands a committed message to every consumer that wants it. */
export const route = (core: Core, startReader: StartReader, outgoing: Outgoing): void => {
  const { entry, slot } = outgoing
  const { message } = entry
  const topic = core.topics.get(message.topic)
  const consumers = topic.isFiltered ? wanting(core, topic.consumers, entry) : topic.consumers
  topic.totals.published++
  core.published++
  entry.pending = consumers.length
  slot.moveTo(core.shardSet.at(slot.position)) // The shards may have changed since it was reserved.
  slot.holders++ // Held by this call, so that a consumer that takes no slot cannot free it early.
  for (let at = 0; at < consumers.length; at++) { // Hot: no closure per message.
    const consumer = consumers[at]
    if (consumer === undefined) continue
    if (consumer.live) push(core, startReader, consumer, outgoing)
    else consumer.unread++ // Its reader will come to it.
  }
  core.seen[entry.logLane] = entry.offset + 1
  core.backlog.raise(entry.bytes)
  if (core.tails.isOpen) core.tails.add(entry)
  slot.release()
  if (consumers.length === 0) core.unrouted++
}

const push = (
  core: Core,
  startReader: StartReader,
  consumer: Consumer,
  { entry, slot }: Outgoing
): void => {
  const { key, topic } = entry.message
  if (consumer.handler === undefined && core.log.retainsSettled && core.readAheadFull(consumer)) {
    return lag(core, startReader, consumer)
  }
  const track = consumer.track(entry.logLane)
  const delivery = new Pending(entry, consumer, track, consumer.orderOf(topic, key), -1)
  consumer.totals.matched++
  if (consumer.handler === undefined && core.log.retainsSettled) core.holdReadAhead(delivery)
  else core.occupy(delivery, slot)
  track.add(delivery)
  core.offer(delivery, slot.shard)
}

/** A consumer that holds as much as it may goes on from the log. */
const lag = (core: Core, startReader: StartReader, consumer: Consumer): void => {
  consumer.live = false
  consumer.lookedAt = core.seen.slice()
  startReader(consumer)
  consumer.unread++ // This message, which is not counted there.
}
