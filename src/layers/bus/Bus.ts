/**
 * The bus: puts its parts together over a log, starts them, and stops them in order.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { deadLettersMax } from "../../domain/DeadLetter.ts"
import { claimsMax, claimTtlMs } from "../../domain/IdempotencyKey.ts"
import { makeIds } from "../../domain/MessageId.ts"
import { rangesMax } from "../../domain/Progress.ts"
import { requestsMax } from "../../domain/Request.ts"
import { watermarksDefault } from "../../domain/Watermark.ts"
import { MessageBus } from "../../services/MessageBus.ts"
import { MessageLog } from "../../services/MessageLog.ts"
import { tailsMaxDefault } from "../../services/Tails.ts"
import { Tenure } from "../../services/Tenure.ts"
import { WallOffset } from "../../services/WallOffset.ts"
import * as Backlog from "./Backlog.ts"
import { Totals } from "./Consumer.ts"
import { Core } from "./Core.ts"
import type { CoreOptions } from "./CoreOptions.ts"
import * as Delays from "./Delays.ts"
import * as Draining from "./Draining.ts"
import * as Entrance from "./Entrance.ts"
import * as Hooks from "./Hooks.ts"
import { snapshot, status } from "./Inspection.ts"
import { expireLeases } from "./LeaseExpiry.ts"
import { noteLeases } from "./LeasesKept.ts"
import { retryDue } from "./Outcomes.ts"
import { ownRowLimits } from "./OwnRows.ts"
import * as Parking from "./Parking.ts"
import * as Publisher from "./Publisher.ts"
import * as Pulls from "./Pulls.ts"
import * as Replays from "./Replays.ts"
import * as Requests from "./Requests.ts"
import * as Retention from "./Retention.ts"
import { introduce, readers, type StartReader } from "./Router.ts"
import * as ShardControl from "./ShardControl.ts"
import * as Subscriptions from "./Subscriptions.ts"
import { supervise } from "./Supervision.ts"
import * as Tails from "./Tails.ts"
import { make as makeTenure } from "./Tenure.ts"
import * as Watched from "./Watched.ts"
import * as WorkerPool from "./WorkerPool.ts"

/** What a bus can be told; durations are milliseconds. */
export interface BusOptions extends
  Draining.DrainOptions,
  Omit<
    CoreOptions,
    "log" | "clock" | "wallOffset" | "random" | "nextId" | "warn" | "debug" | "later"
  >
{
  /** 2 to 8. Source: guide, "Worker scaling". */
  readonly workersPerShard: number
}

/** The options of the guide and the design. */
export const optionsDefault: BusOptions = {
  shardCount: 8,
  workersPerShard: 4,
  prestopMs: 0,
  drainMs: 25_000,
  limits: { slotsMax: 10_000, bytesMax: 64 * 1_048_576 },
  watermarks: watermarksDefault,
  readAhead: { count: 1_000, bytes: 8 * 1_048_576, allBytes: 64 * 1_048_576 },
  subscriptionsMax: 10_000,
  tailsMax: tailsMaxDefault,
  deadLettersMax,
  ownRows: ownRowLimits,
  rangesMax,
  delayedMax: Delays.delayedMax,
  retention: Retention.retentionDefault,
  backlogBytesMax: 8 * 1_073_741_824,
  claims: { keysMax: claimsMax, ttlMs: claimTtlMs },
  contentHash: false,
  pod: "local",
  requestsMax,
  // Not the bus's own source of random numbers: a reply topic must not follow from its messages.
  replyId: () => randomUUID()
}

/** A running bus over the log that is provided; closing the scope drains it. */
export const layer = (options: BusOptions): Layer.Layer<MessageBus, never, MessageLog> =>
  Layer.effect(MessageBus, Effect.map(make(options), ({ bus }) => bus))

/** As `layer`, for a log of which this process has now these partitions and then others. */
export const layerShared = (
  options: BusOptions
): Layer.Layer<MessageBus | Tenure, never, MessageLog> =>
  Layer.effectContext(Effect.map(
    make(options),
    ({ bus, tenure }) => Context.make(MessageBus, bus).pipe(Context.add(Tenure, tenure))
  ))

/** As `layer`, with the state inside, which only tests look at. */
export const make = (
  options: BusOptions
): Effect.Effect<
  {
    readonly bus: MessageBus["Service"]
    readonly core: Core
    readonly pool: WorkerPool.WorkerPool
    readonly tenure: Tenure["Service"]
  },
  never,
  MessageLog | Scope.Scope
> =>
  Effect.gen(function*() {
    const log = yield* MessageLog
    const [clock, random] = [yield* Clock.Clock, yield* Random.Random]
    const context = yield* Effect.context<never>()
    const dispatcher = (yield* Scheduler.Scheduler).makeDispatcher()
    const nextId = makeIds(() => random.nextIntUnsafe() | 0, log.recovered.idMillisMax)
    const core = new Core({
      ...options,
      log,
      clock,
      wallOffset: yield* WallOffset,
      random: () => random.nextDoubleUnsafe(),
      nextId,
      warn: (what, cause) => {
        Effect.runForkWith(context)(Effect.logWarning(what, cause))
      },
      debug: (what) => {
        Effect.runForkWith(context)(Effect.logDebug(what))
      },
      later: (task) => dispatcher.scheduleTask(task, 0)
    })
    const startReader = yield* readers(core)
    core.logMode.startReader = startReader
    const subscriptions = yield* Subscriptions.make(core, startReader)
    const publisher = Entrance.make(core, Publisher.make(core, startReader, nextId))
    yield* restore(core, startReader)
    const { drain, pool } = yield* run(core, options, startReader)
    const shards = ShardControl.make(core, pool)
    const bus = MessageBus.of({
      durability: log.durability,
      ...publisher,
      createSubscription: subscriptions.create,
      deleteSubscription: subscriptions.remove,
      handle: subscriptions.handle,
      subscription: (name) => Subscriptions.find(core, name),
      subscriptions: Subscriptions.all(core),
      pull: (name, max, waitMs) => Pulls.pull(core, name, max, waitMs),
      ack: (name, ackIds) => Pulls.ack(core, name, ackIds),
      nack: (name, ackIds, delayMs) => Pulls.nack(core, name, ackIds, delayMs),
      extend: (name, ackIds, byMs) => Pulls.extend(core, name, ackIds, byMs),
      status: (id) => status(core, id),
      deadLetters: (filter, after, limit) => Replays.list(core, filter, after, limit, "Lately"),
      editDeadLetter: (id, payload) => Replays.edit(core, nextId, id, payload),
      deleteDeadLetters: (filter) => Replays.remove(core, filter),
      replay: (filter, dryRun) => Replays.replay(core, filter, dryRun),
      shards,
      shardsOfAll: shards,
      decisions: (filter, after, limit) => core.decisions.list(filter, after, limit),
      hooks: Hooks.make(core.hooks),
      parked: Parking.make(core),
      tails: Tails.make(core),
      requests: Requests.make(core, publisher.publish),
      drain,
      ...shown(core, pool)
    })
    return { bus, core, pool, tenure: makeTenure(core, startReader, pool, subscriptions) }
  })

/** What can be seen of it at any time. */
const shown = (
  core: Core,
  pool: WorkerPool.WorkerPool
): Pick<MessageBus["Service"], "pods" | "snapshot" | "watching"> => ({
  snapshot: () => snapshot(core),
  pods: Effect.sync(() => [{ pod: core.options.pod, snapshot: snapshot(core) }]),
  watching: Watched.make(core, pool)
})

/** Takes up what the log holds: subscriptions with their progress, and own rows. */
const restore = (core: Core, startReader: StartReader): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { cursors, deadLetterCounts, ownRows, subscriptions } = core.log.recovered
    const consumers = new Map(subscriptions.map((subscription) => {
      const attachment = Subscriptions.pulled(subscription.options)
      const consumer = core.consumer(subscription, attachment, new Totals())
      // Of all partitions: none of them ever leaves.
      consumer.totals.letters.add(0, deadLetterCounts.get(subscription.incarnation) ?? 0)
      return [subscription.incarnation, consumer]
    }))
    cursors.forEach((cursor) => consumers.get(cursor.incarnation)?.restore(cursor))
    noteLeases(core, consumers, core.log.recovered)
    ownRows.forEach((row) => {
      const consumer = consumers.get(row.incarnation)
      if (consumer !== undefined) Replays.admit(core, consumer, row)
    })
    yield* Effect.forEach(
      consumers.values(),
      (consumer) => introduce(core, startReader, consumer),
      { discard: true }
    )
  })

/** Starts the fibres of the bus. Finalizers run backwards: drain, store, end the fibres. */
const run = (
  core: Core,
  options: BusOptions,
  startReader: StartReader
): Effect.Effect<
  { readonly pool: WorkerPool.WorkerPool; readonly drain: Effect.Effect<void> },
  never,
  Scope.Scope
> =>
  Effect.gen(function*() {
    yield* supervise(core, "settler", core.settler.run)
    yield* supervise(
      core,
      "retries",
      core.retries.run(() => core.now(), (delivery) => retryDue(core, delivery))
    )
    yield* supervise(core, "leases", expireLeases(core))
    const pool = yield* WorkerPool.make(core, options.workersPerShard)
    core.shards.forEach((shard) => pool.staff(shard))
    const { close, drain } = Draining.make(core, pool, options, yield* Effect.context<never>())
    yield* Effect.addFinalizer(() => close)
    core.state = "Running"
    yield* supervise(core, "delays", Delays.run(core, startReader))
    yield* supervise(core, "backlog", Backlog.run(core, options.retention.everyMs))
    yield* supervise(core, "retention", Retention.run(core))
    return { pool, drain }
  })
