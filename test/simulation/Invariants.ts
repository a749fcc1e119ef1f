/**
 * What must hold inside the bus at every moment, and what must be left when nothing is to be done.
 */
import type { Consumer } from "../../src/layers/bus/Consumer.ts"
import { state } from "../../src/layers/bus/Pending.ts"
import type { Track } from "../../src/layers/bus/Track.ts"
import type { LogEntry } from "../../src/services/MessageLog.ts"
import type { Run } from "./Run.ts"

/** The conservation law, limits, and counts that are never negative. */
export const checkAlways = (run: Run): void => {
  const { core } = run.node
  for (const consumer of core.consumers.values()) {
    const { inFlight, name, pending, unread } = consumer.snapshot()
    const unsettled = [...consumer.unsettled()]
    const running = unsettled.filter((delivery) => delivery.state === state.running).length
    if (pending - unread !== unsettled.length) {
      run.breach(1, `${name}: ${pending} pending by its totals, ${unsettled.length} there`)
    }
    if (consumer.live && unread !== 0) run.breach(1, `${name} is live, but ${unread} are unread`)
    if (unsettled.some(({ entry, track }) => isDeleted(run, entry, track))) {
      run.breach(1, `the log deleted what is not settled for ${name}`)
    }
    if (consumer.lookedAt !== undefined && !consumer.live) run.saw("consumer lags", name)
    if (unsettled.some(({ suspect }) => suspect)) run.saw("suspects run alone", name)
    if (consumer.totals.spills > 0) run.saw(consumer.live ? "returned from the log" : "spilled")
    if (inFlight !== running) run.breach(1, `${name}: in flight ${inFlight}, running ${running}`)
  }
  if (core.deleted > 0) run.saw("old messages deleted")
  if (core.backlog.gate === "Closed") run.saw("backlog gate closed")
  run.shards.check()
  for (const { bytes, id, inFlight, slots } of run.shards.all) {
    if (slots < 0 || bytes < 0 || inFlight < 0) run.breach(3, `shard ${id} has less than nothing`)
    if (inFlight > 8) run.breach(3, `shard ${id} runs ${inFlight} handlers`)
  }
}

const isDeleted = (
  { kind, node: { core: { log } } }: Run,
  { logLane, offset }: LogEntry,
  track: Track | undefined
): boolean => kind === "BlockLog" && track !== undefined && offset < log.first(logLane)

/** Nothing can run before time passes, so no worker may sleep beside a delivery for it. */
export const checkIdle = async (run: Run): Promise<void> => {
  const asleep = () =>
    run.node.core.shards.find(({ isEmpty, parkedWorkers }) => !isEmpty && parkedWorkers > 0)
  if (!run.node.process.alive) return // What it deferred never runs.
  if (asleep() === undefined || !(await run.world.isIdle())) return // Or was about to be woken.
  const shard = asleep()
  if (shard !== undefined) run.breach(12, `a worker of shard ${shard.id} was not woken`)
}

/** Whether nothing is to be done any more. */
export const isQuiet = (run: Run): boolean =>
  [...run.node.core.consumers.values()].every((consumer) =>
    consumer.live && consumer.snapshot().pending === 0
  )

/** Nothing may be left behind once all is settled. */
export const checkLeaks = (run: Run): void => {
  run.shards.checkQuiet()
  const { core } = run.node
  const left = (what: string, count: number): void => {
    if (count !== 0) run.breach(11, `${count} ${what} left`)
  }
  left("leases", core.leases.size)
  left("own rows by message", core.ownRows.messages)
  left("retries", core.retries.size)
  left("bytes of read-ahead", core.readAheadBytes)
  left("requests", core.requests.size)
  left("tails", core.tails.cursors.size)
  for (const { bytes, id, inFlight, lanes, slots } of run.shards.all) {
    left(`slots of shard ${id}`, slots)
    left(`bytes of shard ${id}`, bytes)
    left(`handlers of shard ${id}`, inFlight)
    left(`queued in shard ${id}`, lanes.size(0) + lanes.size(1))
  }
  core.consumers.forEach((consumer) => consumerLeaks(consumer).forEach(([n, of]) => left(of, n)))
}

const consumerLeaks = (consumer: Consumer): ReadonlyArray<readonly [number, string]> => {
  const { inFlight, order, ownRows, ownRowsAhead, readAheadCount, ready, subscription, wakers } =
    consumer
  const of = `of ${subscription.name}`
  return [
    [inFlight, `hand-outs ${of}`],
    [order.size, `keys ${of}`],
    [ownRows.size + ownRowsAhead.size, `own rows ${of}`],
    [readAheadCount, `read ahead ${of}`],
    [ready.size(0) + ready.size(1), `ready ${of}`],
    [wakers.size, `waiting consumers ${of}`]
  ]
}

/** The totals of the bus, beside what handlers and consumers saw. */
export const checkTotals = (run: Run): void => {
  const { core } = run.node
  for (const { subscription, totals } of core.consumers.values()) {
    const known = run.deliveries.subscriptions.get(subscription.incarnation)
    if (known === undefined) continue
    const { acks, acksUncertain } = known
    if (totals.acked < acks || totals.acked > acks + acksUncertain) {
      run.breach(1, `${subscription.name}: ${totals.acked} acked, ${acks} seen`)
    }
    const [least, most] = [run.deliveries.surelyWanted(known), run.deliveries.wanted(known)]
    const isOff = totals.matched < least.length || totals.matched > most.length
    if (run.deliveries.process === 0 && isOff) {
      run.breach(1, `${subscription.name}: ${totals.matched} matched of ${most.length} stored`)
    }
  }
}
