/**
 * What a bus may do with deliveries, as handlers and consumers can see it.
 *
 * It hears of every hand-out and its end, and notes breaches instead of throwing, because it is
 * called from inside handlers.
 */
import type { Message } from "../../src/domain/Message.ts"
import { laneOf } from "../../src/domain/Priority.ts"
import type { Subscription } from "../../src/domain/Subscription.ts"
import { deadlineOf, isFor, type Known, orderOf } from "./Known.ts"
import { type Lease, Leases } from "./Leases.ts"
import type { Breach, LogModel, Stored } from "./LogModel.ts"
import { fresh, outlive, type Pair, whyOver } from "./Pair.ts"

/** The deliveries of one run, over all its processes. */
export class DeliveryModel {
  /** By incarnation. */
  readonly subscriptions = new Map<number, Known>()
  readonly leases = new Leases()
  process = 0
  private readonly breach: Breach
  /** The log forgets what is settled. */
  private readonly forgets: boolean
  private readonly log: LogModel
  private readonly pairs = new Map<string, Pair>()
  /** Handlers that run, by order. */
  private readonly handlers = new Map<string, Set<string>>()

  constructor(breach: Breach, log: LogModel, forgets: boolean) {
    this.breach = breach
    this.forgets = forgets
    this.log = log
  }

  /** The subscription of a name, unless its deletion was asked for. */
  named(name: string): Known | undefined {
    return [...this.subscriptions.values()].find(({ deletion, subscription }) =>
      subscription.name === name && deletion === "None"
    )
  }

  /** A subscription exists. */
  exists(subscription: Subscription): Known {
    const { incarnation, options: { maxAttempts } } = subscription
    const known = this.subscriptions.get(incarnation)
    if (known !== undefined) {
      if (known.deletion === "Done") this.breach(9, `${incarnation} came back after its deletion`)
      known.subscription = subscription
      known.attemptsMax = Math.max(known.attemptsMax, maxAttempts)
      return known
    }
    const made: Known = {
      subscription,
      since: this.log.heads,
      attemptsMax: maxAttempts,
      deletion: "None",
      acks: 0,
      acksUncertain: 0,
      lastFirst: new Map()
    }
    this.subscriptions.set(incarnation, made)
    return made
  }

  /**
   * Another process runs: what was handed out is void, unless it was handed on. `how` says what
   * the former one left; what succeeded up to `durableUntil` must have reached the log.
   */
  restarted(
    how: "Closed" | "Killed" | "PowerCut",
    durableUntil: number,
    now: number
  ): void {
    const journalled = how === "Killed"
    const former = this.process++
    this.leases.running(now, () => true).forEach((lease) => {
      this.pair(lease.incarnation, lease.messageId).counted = journalled
    })
    // One that closed on a disk that is well hands its leases on.
    if (how !== "Closed" || durableUntil < now) this.leases.end(() => true)
    this.handlers.clear()
    for (const known of this.subscriptions.values()) known.acks = known.acksUncertain = 0
    for (const pair of this.pairs.values()) outlive(pair, how, former, durableUntil)
  }

  /** What is known of one message for one subscription. */
  pair(incarnation: number, id: string): Pair {
    const key = `${incarnation}/${id}`
    const existing = this.pairs.get(key)
    if (existing !== undefined) return existing
    const made = fresh()
    this.pairs.set(key, made)
    return made
  }

  /** A dead letter is delivered anew, with attempts counted from 1. */
  replayed(incarnation: number, id: string): void {
    Object.assign(this.pair(incarnation, id), { lastAttempt: 0, counted: false, isParked: false })
    this.pair(incarnation, id).replays++
  }

  /** A handler starts. */
  enter(incarnation: number, message: Message, attempt: number, now: number): void {
    this.started(incarnation, message, attempt, now)
    const place = this.place(incarnation, message)
    const others = this.handlers.get(place) ?? new Set()
    const held = this.leases.running(
      now,
      (lease) => this.placeOf(lease) === place
    )
    if (others.size + held.length > 0) this.breach(2, `${message.payload} beside one of ${place}`)
    this.handlers.set(place, others.add(message.id))
    this.pair(incarnation, message.id).running = true
  }

  /** It ended. `failed` is `undefined` when it may not count, because the process is closing. */
  leave(incarnation: number, message: Message, failed: boolean | undefined, now: number): void {
    const pair = this.pair(incarnation, message.id)
    this.handlers.get(this.place(incarnation, message))?.delete(message.id)
    pair.running = false
    pair.counted = failed === true
    if (failed === false) this.succeeded(incarnation, message.id, now)
  }

  /** A consumer was handed deliveries. */
  leased(given: ReadonlyArray<readonly [Lease, Message]>, now: number): void {
    given.forEach(([lease, message]) => {
      this.started(lease.incarnation, message, lease.attempt, now)
      const place = this.place(lease.incarnation, message)
      const others = this.leases.running(
        now,
        (other) =>
          this.placeOf(other) === place &&
          (other.pull !== lease.pull || other.lane !== lease.lane)
      )
      const running = this.handlers.get(place)?.size ?? 0
      if (others.length + running > 0) this.breach(2, `${message.payload} beside one of ${place}`)
      this.leases.add(lease)
    })
  }

  /** A handler succeeded, or an acknowledgement took effect. */
  succeeded(incarnation: number, id: string, now: number): void {
    const pair = this.pair(incarnation, id)
    pair.successes++
    pair.succeededAt = now
    pair.succeededIn = this.process
    const known = this.subscriptions.get(incarnation)
    if (known !== undefined) known.acks++
  }

  /** A handler failed with an error whose fate is that. */
  dropped(incarnation: number, id: string): void {
    Object.assign(this.pair(incarnation, id), { dropped: true, droppedIn: this.process })
  }

  /** A handler failed with an error that parks, or somebody released what was parked. */
  parked(incarnation: number, id: string, isParked = true): void {
    Object.assign(this.pair(incarnation, id), { isParked, parkedIn: this.process })
  }

  /** Messages that somebody asked for and that neither succeeded nor ended otherwise. */
  missing(now: number): ReadonlyArray<string> {
    return [...this.subscriptions.values()].filter(({ deletion }) => deletion === "None")
      .flatMap((known) => this.surelyWanted(known).map((entry) => [known, entry] as const))
      .filter(([{ subscription }, { message }]) => {
        const pair = this.pair(subscription.incarnation, message.id)
        const { deleted, dropped, successes, uncertain } = pair
        return !deleted && !dropped && successes === 0 && uncertain === 0 &&
          deadlineOf(subscription, message) > now
      })
      .map(([{ subscription }, { logLane, message, offset }]) =>
        `${message.payload} at ${logLane}/${offset} for ${subscription.incarnation}`
      )
  }

  /** What a subscription asked for. */
  wanted({ subscription }: Known): ReadonlyArray<Stored> {
    return [...this.log.stored.values()].filter(({ logLane, message, offset }) =>
      offset >= (subscription.starts[logLane] ?? 0) && isFor(subscription, message)
    )
  }

  /** The part of it that no log may have forgotten before it was asked. */
  surelyWanted(known: Known): ReadonlyArray<Stored> {
    return this.forgets
      ? this.wanted(known).filter(({ logLane, offset }) =>
        offset >= (known.since.get(logLane) ?? 0)
      )
      : this.wanted(known)
  }

  private started(incarnation: number, message: Message, attempt: number, now: number): void {
    const known = this.subscriptions.get(incarnation)
    const entry = this.log.stored.get(message.id)
    const what = `${message.payload} (${message.id}) for ${incarnation}, attempt ${attempt}`
    if (known === undefined || entry === undefined) return this.breach(9, `phantom ${what}`)
    const { starts } = known.subscription
    if (!isFor(known.subscription, message) || entry.offset < (starts[entry.logLane] ?? 0)) {
      this.breach(1, `not asked for: ${what}`)
    }
    if ((message.deliverAt ?? 0) > now) this.breach(1, `handed out before its time: ${what}`)
    if (deadlineOf(known.subscription, message) <= now) {
      this.breach(1, `handed out expired: ${what}`)
    }
    const pair = this.pair(incarnation, message.id)
    this.checkAttempt(pair, known, attempt, what)
    this.checkOrder(pair, known, entry, what)
    pair.lastAttempt = attempt
    pair.counted = false
  }

  private checkAttempt(pair: Pair, known: Known, attempt: number, what: string): void {
    if (attempt > known.attemptsMax) this.breach(5, `more than ${known.attemptsMax}: ${what}`)
    if (attempt < pair.lastAttempt + (pair.counted ? 1 : 0)) {
      this.breach(5, `not above ${pair.lastAttempt}: ${what}`)
    }
    const over = whyOver(pair, this.process)
    if (over !== undefined) this.breach(1, `${over}: ${what}`)
    pair.isParked = false
  }

  private checkOrder(pair: Pair, known: Known, entry: Stored, what: string): void {
    const { logLane, message, offset } = entry
    const order = orderOf(known.subscription, message)
    if (order === undefined || pair.seen || pair.replays > 0) return
    pair.seen = true
    const lane = `${order}\0${laneOf(message.priority)}`
    const last = known.lastFirst.get(lane) ?? -1
    if (offset < last) this.breach(2, `offset ${offset} of ${logLane} after ${last}: ${what}`)
    known.lastFirst.set(lane, Math.max(last, offset))
  }

  /** Where only one may run at a time: its order, or else the message itself. */
  private place(incarnation: number, message: Message): string {
    const known = this.subscriptions.get(incarnation)
    const order = known === undefined ? undefined : orderOf(known.subscription, message)
    return `${incarnation} ${order ?? message.id}`
  }

  private placeOf({ incarnation, messageId, order }: Lease): string {
    return `${incarnation} ${order ?? messageId}`
  }
}
