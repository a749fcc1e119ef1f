/**
 * Remote consumers of a simulated bus: they pull, and settle what they were handed.
 */
import type { Effect } from "effect"
import * as AckId from "../../src/domain/AckId.ts"
import { laneOf } from "../../src/domain/Priority.ts"
import type { LeasedDelivery } from "../../src/services/MessageBus.ts"
import { call } from "./Calls.ts"
import type { Action } from "./Commands.ts"
import { orderOf } from "./Known.ts"
import type { Lease } from "./Leases.ts"
import type { Run } from "./Run.ts"

type Settling = Extract<Action, { readonly kind: "ack" | "nack" | "extend" }>

/** Leases deliveries. */
export const pull = (run: Run, name: string, max: number, waitMs: number): void => {
  const generation = run.generations.get(name)
  const wasBusy = run.busy.has(name)
  const { process } = run.deliveries
  const id = ++run.pulls
  call(run, "consume", run.node.bus.pull(name, max, waitMs), (deliveries) => {
    if (deliveries.length === 0) return run.saw("pull found nothing", name)
    run.saw("pull", deliveries.map(({ attempt, message }) => message.payload + attempt).join())
    if (deliveries.length > max) run.breach(3, `${deliveries.length} pulled instead of ${max}`)
    if (wasBusy || generation !== run.generations.get(name)) return // It may be void already.
    const given = deliveries.map((delivery) =>
      [leaseOf(run, name, id, process, delivery), delivery.message] as const
    )
    const isKnown = ({ incarnation }: Lease) => run.deliveries.subscriptions.has(incarnation)
    if (given.every(([lease]) => isKnown(lease))) run.deliveries.leased(given, run.world.now)
  })
}

const leaseOf = (
  run: Run,
  name: string,
  pullId: number,
  process: number,
  { ackId, attempt, leaseExpiresAt, message }: LeasedDelivery
): Lease => {
  const incarnation = AckId.parse(ackId)?.incarnation ?? 0
  const known = run.deliveries.subscriptions.get(incarnation)
  return {
    ackId,
    name,
    incarnation,
    messageId: message.id,
    attempt,
    order: known === undefined ? undefined : orderOf(known.subscription, message),
    lane: laneOf(message.priority),
    pull: pullId,
    process,
    until: leaseExpiresAt,
    isVoid: false
  }
}

/** Acknowledges, gives back or extends some of the leases that consumers know of. */
export const settle = (run: Run, action: Settling): void => {
  const { delayMs, kind, name, share } = action
  const { deliveries, node: { bus }, world } = run
  const { leases } = deliveries
  const known = leases.known.filter((lease) => lease.name === name).slice(-40)
  const chosen = known.filter((_, at) => at % 10 < share * 10)
  if (chosen.length === 0) return
  const ids = chosen.map(({ ackId }) => ackId)
  const sure = new Set(chosen.filter((lease) => leases.isLive(lease, world.now)))
  const generation = run.generations.get(name)
  const pairs = chosen.map((lease) => deliveries.pair(lease.incarnation, lease.messageId))
  if (kind === "ack") pairs.forEach((pair) => pair.uncertain++)
  // It may take effect long before the reply.
  if (kind === "ack") chosen.forEach((lease) => leases.end((other) => other === lease))
  if (kind === "nack") chosen.forEach((lease) => leases.endRun(lease))
  const effect = kind === "ack"
    ? bus.ack(name, ids)
    : kind === "nack"
    ? bus.nack(name, ids, waitOf(run, delayMs))
    : bus.extend(name, ids, delayMs)
  const answered = ({ done, unknown }: Effect.Success<typeof effect>): void => {
    run.saw(`${kind} done`, `${done}`)
    if (done + unknown.length !== ids.length) run.breach(0, `${kind}: ${done} of ${ids.length}`)
    if (kind === "ack") pairs.forEach((pair) => pair.uncertain--)
    chosen.forEach((lease) => {
      if (!unknown.includes(lease.ackId)) return settled(run, kind, lease, delayMs)
      run.saw(`${kind} unknown`)
      // A power cut may lose an attempt: an older id of the same number counts as much.
      const isDone = chosen.some((other) =>
        other !== lease && other.messageId === lease.messageId && !unknown.includes(other.ackId)
      )
      const isSure = sure.has(lease) && generation === run.generations.get(name) && !isDone &&
        (kind === "nack" || !lease.isVoid)
      if (isSure && kind === "ack") run.breach(1, `${kind} of a live lease: unknown ${lease.ackId}`)
    })
  }
  call(run, "consume", effect, answered, ({ _tag }) => {
    if (kind !== "ack") return
    if (_tag !== "LogUnavailable") return pairs.forEach((pair) => pair.uncertain--)
    chosen.forEach(({ incarnation }) => {
      const subscription = deliveries.subscriptions.get(incarnation)
      if (subscription !== undefined) subscription.acksUncertain++
    })
  })
}

/** In every other run the long waits are so long that they get a row of their own. */
const waitOf = ({ seed }: Run, delayMs: number): number | undefined =>
  delayMs < 0 ? undefined : delayMs === 700 && seed % 2 === 0 ? 6_000 : delayMs

const settled = (run: Run, kind: Settling["kind"], lease: Lease, byMs: number): void => {
  const { deliveries, world } = run
  if (lease.process !== deliveries.process && !lease.isVoid) run.saw(`${kind} across a restart`)
  const pair = deliveries.pair(lease.incarnation, lease.messageId)
  switch (kind) {
    case "extend":
      lease.until = world.now + byMs
      return
    case "nack":
      pair.counted ||= lease.process === deliveries.process && lease.attempt === pair.lastAttempt
      return
    case "ack":
      deliveries.leases.forget(lease)
      deliveries.succeeded(lease.incarnation, lease.messageId, world.now)
      pair.durable = true
  }
}
