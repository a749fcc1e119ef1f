/**
 * Inspection: what can be seen of a running bus without changing it.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ParsedMessage } from "../../domain/ParsedMessage.ts"
import { lanes } from "../../domain/Priority.ts"
import type { ShardSnapshot, Snapshot } from "../../domain/Snapshot.ts"
import type { Delayed, LogEntry, LogUnavailable } from "../../services/MessageLog.ts"
import type { DeliveryStatus, MessageStatus } from "../../services/MessageStatus.ts"
import type { Consumer } from "./Consumer.ts"
import type { Core } from "./Core.ts"
import { type State, state } from "./Pending.ts"
import type { Shard } from "./Shard.ts"
import { fibres } from "./Supervision.ts"

/** The live state. */
export const snapshot = (core: Core): Snapshot => ({
  state: core.state === "NotStarted" ? "Closed" : core.state,
  shards: shardsOf(core),
  subscriptions: [...core.consumers.values()].map((consumer) => consumer.snapshot()),
  published: core.published,
  unrouted: core.unrouted,
  duplicates: core.duplicates,
  idempotency: {
    keys: core.claims.size,
    keysMax: core.claims.limits.keysMax,
    inFlight: core.claims.inFlight,
    forgotten: core.claims.forgotten
  },
  requests: {
    waiting: core.requests.size,
    waitingMax: core.options.requestsMax,
    answered: core.requests.answered,
    timedOut: core.requests.timedOut,
    repliesIgnored: core.requests.late
  },
  hooks: {
    before: core.hooks.before.length,
    after: core.hooks.after.length,
    afterFailed: core.hooks.failed,
    afterDropped: core.hooks.dropped
  },
  refused: Object.fromEntries(core.refused),
  topics: [...core.topics.totals].map(([topic, { published }]) => [topic, published] as const),
  callbackErrors: [...core.topics.totals].map(([topic, { errors }]) => [topic, errors] as const),
  messageAge: core.messageAge.snapshot(),
  dispatchDuration: core.dispatchDuration.snapshot(),
  wallOffset: core.options.wallOffset(),
  decisions: core.decisions.made,
  announcementFailures: core.volatile.failures,
  tails: core.tails.snapshot(),
  commitRetries: core.settler.retries,
  fibreRestarts: fibres.map((name) => [name, core.fibreRestarts.get(name) ?? 0] as const),
  ownRows: {
    count: core.ownRows.count,
    bytes: core.ownRows.bytes,
    refused: core.ownRows.refused
  },
  retention: {
    logBytes: core.log.sizeBytes(),
    oldest: core.log.oldest(),
    deleted: core.deleted,
    delayed: core.delays.count,
    delayedMax: core.options.delayedMax,
    backlogBytes: core.backlog.bytes,
    backlogBytesMax: core.options.backlogBytesMax,
    backlogGate: core.backlog.gate
  },
  degraded: degraded(core)
})

/** The shards of a snapshot. */
export const shardsOf = (core: Core): ReadonlyArray<ShardSnapshot> => {
  const now = core.now()
  return core.shards.map((shard) => shardSnapshot(shard, now))
}

const shardSnapshot = (shard: Shard, now: number): ShardSnapshot => ({
  id: shard.id,
  queued: { high: shard.lanes.size(lanes.high), normal: shard.lanes.size(lanes.normal) },
  slots: shard.slots,
  held: shard.held,
  fill: shard.fill,
  oldestMs: Math.max(0, now - (shard.lanes.oldest ?? now)),
  gate: shard.gate,
  paused: shard.paused,
  bytes: shard.bytes,
  workers: shard.workers.length,
  inFlight: shard.inFlight,
  workerRestarts: shard.workerRestarts
})

const degraded = (core: Core): ReadonlyArray<string> => {
  const { damaged } = core.log.recovered
  const { appendFailure } = core
  const { failure } = core.settler
  const { backlog } = core
  const behind = backlog.gate === "Open" ? [] : [
    `the backlog is full (${backlog.bytes} bytes)` + (backlog.holder === undefined
      ? ""
      : `: subscription ${backlog.holder.name} holds most of it (${backlog.holder.bytes} bytes)`)
  ]
  const full = [...core.consumers.values()]
    .filter(({ totals }) => totals.deadLetters >= core.options.deadLettersMax)
    .map(({ subscription }) =>
      `the dead letters of ${subscription.name} are at their limit; failures are parked`
    )
  return [
    ...behind,
    ...full,
    ...(core.ownRows.isFull(0)
      ? ["own rows are at their limit: long waits and failures hold their slots and keys"]
      : []),
    ...(appendFailure === undefined
      ? []
      : [`the log refused the last publish: ${appendFailure.detail}`]),
    ...(failure === undefined ? [] : [`the log takes no settlements: ${failure.detail}`]),
    ...(damaged.length === 0 ? [] : [`${damaged.length} parts of the log were damaged`])
  ]
}

/** Where a message is, while the log retains it. */
export const status = (
  core: Core,
  id: string
): Effect.Effect<Option.Option<MessageStatus>, LogUnavailable> =>
  // In this order: a delayed message that leaves its table meanwhile is found in the log.
  Effect.flatMap(
    core.delays.count === 0 ? Effect.succeedNone : core.log.findDelayed(id),
    Option.match({
      onNone: () =>
        Effect.map(core.log.find(id), (found) =>
          Option.map(
            Option.orElse(found, () => inOwnRow(core, id)),
            (entry) => storedStatus(core, entry)
          )),
      onSome: (row) => Effect.succeedSome(delayedStatus(core, row))
    })
  )

/** A message that only an own row still holds: it was edited, or the log has let it go. */
const inOwnRow = (core: Core, id: string): Option.Option<LogEntry> =>
  Option.fromNullishOr(core.ownRows.of(id)[0]?.entry)

const delayedStatus = (core: Core, { message }: Delayed): MessageStatus => ({
  message,
  shard: core.shardOf(message.topic, message.key).id,
  state: "delayed",
  deliveries: []
})

const storedStatus = (core: Core, entry: LogEntry): MessageStatus => {
  const { key, topic } = entry.message
  const parsed = new ParsedMessage(entry.message)
  return {
    message: entry.message,
    shard: core.shardOf(topic, key).id,
    state: "stored",
    deliveries: [...core.consumers.values()]
      .filter((consumer) =>
        consumer.wants(topic) && (consumer.conditions?.(parsed) ?? true) &&
        entry.offset >= (consumer.subscription.starts[entry.logLane] ?? 0)
      )
      .map((consumer) => deliveryStatus(core, consumer, entry))
  }
}

const stateNames: Readonly<Record<State, DeliveryStatus["state"]>> = {
  [state.queued]: "pending",
  [state.running]: "inFlight",
  [state.waiting]: "waitingRetry",
  [state.settled]: "settled",
  [state.parked]: "parked"
}

const deliveryStatus = (core: Core, consumer: Consumer, entry: LogEntry): DeliveryStatus => {
  const { logLane, message, offset } = entry
  const subscription = consumer.subscription.name
  const track = consumer.tracks[logLane]
  const delivery = track?.find(offset) ??
    core.ownRows.of(message.id).find((row) => row.consumer === consumer)
  if (delivery !== undefined) {
    return { subscription, state: stateNames[delivery.state], attempts: delivery.attempts }
  }
  const wasRead = consumer.live || offset < (track?.position ?? 0)
  const isSettled = wasRead || track?.settledAhead(offset) === true
  return { subscription, state: isSettled ? "settled" : "pending", attempts: 0 }
}
