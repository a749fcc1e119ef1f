/**
 * Tenure: partitions that this bus begins to serve, or no longer serves, while it runs.
 *
 * What it knows of a partition comes from the log when it begins, as at a start, and is forgotten
 * when it ends; nothing else of a bus changes hands. Subscriptions stay: every process has all of
 * them. Consumers read on from the log, because the lanes they look at have changed.
 */
import * as Effect from "effect/Effect"
import * as AckId from "../../domain/AckId.ts"
import type { Subscription } from "../../domain/Subscription.ts"
import type { Recovered } from "../../services/MessageLog.ts"
import type { Tenure } from "../../services/Tenure.ts"
import { type Consumer, Totals } from "./Consumer.ts"
import type { Core } from "./Core.ts"
import { startsOf } from "./Floors.ts"
import { endKept, endUnread, liveLeases, noteLeases } from "./LeasesKept.ts"
import { type Pending, state } from "./Pending.ts"
import { changed } from "./Pulls.ts"
import { run } from "./Relayed.ts"
import { admit } from "./Replays.ts"
import * as Requests from "./Requests.ts"
import { introduce, type StartReader } from "./Router.ts"
import { pulled, type Subscriptions } from "./Subscriptions.ts"
import * as TailFeed from "./TailFeed.ts"
import { passTo } from "./TailLanes.ts"
import type { WorkerPool } from "./WorkerPool.ts"

/** How long running handlers may take to end before a partition is given back, in milliseconds. */
export const leaveMsMax = 2_000

/** Wait for a subscription that is not known yet, in milliseconds. */
const unknownWaitMs = 1_000

/** How often it is looked whether they ended, in milliseconds. */
const lookMs = 20

/** The tenure of `core`. */
export const make = (
  core: Core,
  startReader: StartReader,
  pool: WorkerPool,
  subscriptions: Pick<Subscriptions, "dismiss">
): Tenure["Service"] => ({
  begin: (parts) => begin(core, startReader, parts),
  prepare: (partitions) => prepare(core, partitions),
  end: (partitions) => end(core, startReader, pool, partitions),
  welcome: (subscriptions) =>
    Effect.forEach(subscriptions, (subscription) => welcome(core, startReader, subscription), {
      discard: true
    }),
  dismiss: subscriptions.dismiss,
  starts: (from) => startsOf(core, from),
  wakes: (name) => core.consumers.get(name)?.wakes ?? 0,
  woken: (name, since) =>
    Effect.suspend(() => {
      const consumer = core.consumers.get(name)
      return consumer === undefined ? Effect.sleep(unknownWaitMs) : changed(consumer, since)
    }),
  among: (others) => {
    core.others = others
  },
  feed: TailFeed.make(core),
  run: (relayed) => run(core, relayed),
  requestsOver: (publish) => Requests.make(core, publish),
  reply: (topic, reply) => Requests.take(core, topic, reply)
})

const welcome = (core: Core, startReader: StartReader, subscription: Subscription) =>
  Effect.suspend(() => {
    const known = core.consumers.get(subscription.name)
    if (known === undefined) {
      const consumer = core.consumer(subscription, pulled(subscription.options), new Totals())
      return introduce(core, startReader, consumer)
    }
    if (known.subscription.incarnation === subscription.incarnation) {
      known.subscription = subscription
      known.retry = { ...known.retry, attemptsMax: subscription.options.maxAttempts }
    }
    return Effect.void
  })

/** Lets a consumer read on from where it is: the lanes it looks at are about to change. */
const turnToLog = (core: Core, consumer: Consumer): Float64Array => {
  const lookedAt = consumer.live ? core.seen.slice() : readSoFar(consumer)
  consumer.live = false
  consumer.lookedAt = lookedAt
  return lookedAt
}

const readSoFar = ({ lookedAt, readTo, subscription: { starts } }: Consumer): Float64Array =>
  readTo?.slice() ?? lookedAt?.slice() ?? Float64Array.from(starts)

const goOn = (core: Core, startReader: StartReader): void => {
  core.delays.renew()
  core.consumers.forEach((consumer) => consumer.closed || startReader(consumer))
}

const lanesOf = (partition: number): readonly [number, number] => [
  partition * 2,
  partition * 2 + 1
]

const begin = (
  core: Core,
  startReader: StartReader,
  parts: ReadonlyMap<number, Recovered>
): void => {
  const consumers = new Map(
    [...core.consumers.values()].map((consumer) => [consumer.subscription.incarnation, consumer])
  )
  consumers.forEach((consumer) => turnToLog(core, consumer))
  for (const [partition, recovered] of parts) {
    core.leaving.delete(partition)
    core.numbers.raise(recovered)
    core.claims.recover(recovered.claims)
    core.delays.recover(partition, recovered.delayedCount, recovered.delayedBytes)
    for (const lane of lanesOf(partition)) {
      core.seen[lane] = core.log.head(lane)
      passTo(core.tails, lane, core.log.head(lane))
    }
    recovered.deadLetterCounts.forEach((count, incarnation) =>
      consumers.get(incarnation)?.totals.letters.add(partition, count)
    )
    for (const cursor of recovered.cursors) consumers.get(cursor.incarnation)?.restore(cursor)
    noteLeases(core, consumers, recovered)
    for (const row of recovered.ownRows) {
      const consumer = consumers.get(row.incarnation)
      if (consumer !== undefined) admit(core, consumer, row)
    }
  }
  tellChanged(core)
  goOn(core, startReader)
}

const tellChanged = ({ tails }: Core): void => {
  tails.lanes.changes++
  tails.schedule()
}

const prepare = Effect.fnUntraced(function*(core: Core, partitions: ReadonlyArray<number>) {
  for (const partition of partitions) core.leaving.add(partition)
  const until = core.now() + leaveMsMax
  const isRunning = (): boolean =>
    [...core.consumers.values()].some((consumer) =>
      consumer.handler !== undefined && consumer.inFlight > 0 &&
      [...consumer.unsettled()].some((delivery) =>
        delivery.state === state.running && core.leaving.has(delivery.entry.partition)
      )
    )
  while (core.now() < until && isRunning()) yield* Effect.sleep(lookMs)
  yield* core.settler.flush
  yield* core.log.commit({ leases: liveLeases(core) })
})

const end = (
  core: Core,
  startReader: StartReader,
  pool: WorkerPool,
  partitions: ReadonlyArray<number>
): void => {
  const gone = new Set(partitions)
  pool.interrupt(({ entry }) => gone.has(entry.partition))
  const lanes = partitions.flatMap(lanesOf)
  for (const consumer of core.consumers.values()) {
    const lookedAt = turnToLog(core, consumer)
    letGo(core, consumer, gone)
    for (const lane of lanes) {
      consumer.tracks[lane] = undefined
      lookedAt[lane] = 0
    }
  }
  core.shards.forEach((shard) => shard.lanes.takeOut(() => false)) // Drops what was let go.
  core.leases.forgetUnread(gone)
  for (const lane of lanes) core.seen[lane] = 0
  tellChanged(core)
  for (const partition of partitions) {
    core.delays.drop(partition)
    core.leaving.delete(partition)
  }
  goOn(core, startReader)
}

/** Forgets what a consumer has of partitions that are gone. */
const letGo = (core: Core, consumer: Consumer, gone: ReadonlySet<number>): void => {
  const { leasesAhead, order, totals } = consumer
  const lost = [...consumer.unsettled()].filter(({ entry }) => gone.has(entry.partition))
  let waiting = 0 // Counted in the same pass over what may be thousands of deliveries.
  for (const delivery of lost) {
    if (delivery.state === state.waiting) waiting++
    forget(core, delivery)
  }
  core.retries.leave(waiting)
  // All are marked by now: what a key lets go on next is none of them.
  for (const delivery of lost) {
    if (delivery.order !== undefined) order.settle(delivery.order, delivery)
  }
  new Set(lost.flatMap((delivery) => delivery.order ?? [])).forEach((key) => order.forget(key))
  for (const lease of [...leasesAhead.values()]) {
    if (gone.has(AckId.partitionOf(lease))) endUnread(consumer, lease)
  }
  for (const partition of gone) totals.letters.drop(partition)
  consumer.ready.takeOut(() => false)
  consumer.wake()
}

const forget = (core: Core, delivery: Pending): void => {
  const { consumer, track } = delivery
  const isRunning = delivery.state === state.running
  endKept(delivery)
  core.leases.remove(delivery)
  core.free(delivery)
  if (delivery.state === state.parked) consumer.totals.parked--
  delivery.state = state.settled
  consumer.totals.matched--
  if (isRunning) consumer.inFlight--
  else core.passSuspicion(delivery) // A running one does when its handler ends.
  if (track === undefined) core.ownRows.remove(delivery)
}
