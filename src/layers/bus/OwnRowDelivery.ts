/**
 * The delivery of an own row, and where it belongs.
 */
import { partitionOfLogLane } from "../../domain/Position.ts"
import { type Lane, laneOf } from "../../domain/Priority.ts"
import type { LogEntry, OwnRow } from "../../services/MessageLog.ts"
import type { Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"
import { keepLease } from "./LeasesKept.ts"
import { Pending, state } from "./Pending.ts"
import { enqueue } from "./Reader.ts"

/** The delivery of an own row. */
export const fromRow = (consumer: Consumer, row: OwnRow): Pending => {
  const { key, topic } = row.message
  const lane: Lane = laneOf(row.message.priority)
  const entry: LogEntry = {
    message: row.message,
    bytes: row.message.payload.length + (row.message.headers?.length ?? 0),
    partition: partitionOfLogLane(row.logLane),
    lane,
    logLane: row.logLane,
    fingerprint: undefined,
    offset: row.after,
    pending: 0
  }
  const delivery = new Pending(entry, consumer, undefined, consumer.orderOf(topic, key), row.id)
  delivery.attempts = row.attempts
  delivery.dueAt = row.dueAt
  delivery.parked = row.parked
  return delivery
}

/**
 * Puts the delivery of an own row where it belongs: aside, when it is parked; queued, or to be
 * queued once its lane was read up to its place. One whose time has not come goes the same way if
 * it keeps an order, and holds its key when it is its turn there.
 */
export const place = (core: Core, delivery: Pending): void => {
  const { consumer, dueAt, order, parked } = delivery
  core.ownRows.add(delivery)
  if (parked !== undefined) {
    delivery.state = state.parked
    consumer.totals.parked++
    return
  }
  const isLeased = keepLease(core, delivery)
  if (!isLeased && dueAt > core.now()) {
    delivery.state = state.waiting
    core.retries.add(delivery, dueAt)
  }
  if (delivery.state === state.waiting && order === undefined) return
  if (consumer.live) enqueue(core, delivery)
  else consumer.ownRowsAhead.add(delivery)
}
