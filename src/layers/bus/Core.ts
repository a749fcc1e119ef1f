/**
 * The core: the state that all parts of one bus share. One event loop owns it. Nothing here waits,
 * so every method is one indivisible step, and no lock is needed between its users.
 */
import * as Semaphore from "effect/Semaphore"
import type { DecisionMade } from "../../domain/Decision.ts"
import { hash32, logLaneCount, orderText } from "../../domain/Position.ts"
import type { Subscription } from "../../domain/Subscription.ts"
import type { LogEntry, LogUnavailable, MessageLog } from "../../services/MessageLog.ts"
import { Buckets } from "../observe/Buckets.ts"
import { Backlog } from "./Backlog.ts"
import { gateChanged } from "./Backpressure.ts"
import { type Attachment, Consumer, type Totals } from "./Consumer.ts"
import type { CoreOptions } from "./CoreOptions.ts"
import { Decisions } from "./Decisions.ts"
import { Deduplication } from "./Deduplication.ts"
import { Delays } from "./Delays.ts"
import { HookRegistry } from "./Hooks.ts"
import { Journal } from "./Journal.ts"
import { LeaseClock } from "./LeaseClock.ts"
import { LogMode } from "./LogMode.ts"
import { noOthers } from "./NoOthers.ts"
import { Numbers } from "./Numbers.ts"
import { OwnRows, shorten } from "./OwnRows.ts"
import { type Pending, state } from "./Pending.ts"
import { RequestTable } from "./Requests.ts"
import { Retries } from "./Retries.ts"
import { Settler } from "./Settler.ts"
import { Shard } from "./Shard.ts"
import { ShardSet } from "./ShardSet.ts"
import { Slot } from "./Slot.ts"
import { Suspects } from "./Suspects.ts"
import { TailHub } from "./TailHub.ts"
import { Topics } from "./Topics.ts"
import { Volatile } from "./Volatile.ts"

/** The shared state of one bus. */
export class Core {
  readonly options: CoreOptions
  readonly log: typeof MessageLog.Service
  readonly shardSet: ShardSet
  /** By subscription name. */
  readonly consumers = new Map<string, Consumer>()
  readonly topics = new Topics()
  readonly claims: Deduplication
  readonly hooks = new HookRegistry()
  readonly tails: TailHub
  readonly requests = new RequestTable()
  readonly settler: Settler
  readonly delays: Delays
  readonly backlog: Backlog
  /** Where subscriptions start that are being created now. */
  readonly founding = new Set<ReadonlyArray<number>>()
  readonly retries = new Retries()
  readonly leases = new LeaseClock()
  readonly suspects = new Suspects()
  readonly logMode = new LogMode(this)
  /** How often a fibre of the bus was started again, by its name. */
  readonly fibreRestarts = new Map<string, number>()
  readonly decisions = new Decisions()
  readonly volatile: Volatile
  /** Called when the gate of a shard closed or opened, inside the step that did it. */
  readonly onBackpressure = new Set<(shard: Shard) => void>()
  readonly ownRows: OwnRows
  readonly journal: Journal
  /** One change of dead letters at a time: two that ask for one letter must not both find it. */
  readonly letters = Semaphore.makeUnsafe(1)
  /** Partitions that are about to be given back: nothing of them is handed out any more. */
  readonly leaving = new Set<number>()
  others = noOthers
  /** Per log lane, the offset below which every committed message was pushed to live consumers. */
  readonly seen = new Float64Array(logLaneCount)
  readonly messageAge = new Buckets()
  readonly dispatchDuration = new Buckets()
  readonly refused = new Map<string, number>()
  state: "NotStarted" | "Running" | "Leaving" | "Closing" | "Closed" = "NotStarted"
  /** Bytes that all consumers hold from the log. */
  readAheadBytes = 0
  /** Together they hold as much as they may; until half of it is given back. */
  isCrowded = false
  published = 0
  /** Messages published since a publisher last let others run. */
  burst = 0
  unrouted = 0
  duplicates = 0
  discarded = 0
  deleted = 0
  /** The last hand-out number; unique within the epoch of the log. */
  handOuts = 0
  /** Why the log refused the last messages, until it takes some again. */
  appendFailure: LogUnavailable | undefined = undefined
  nextIncarnation: number
  readonly numbers: Numbers

  constructor(options: CoreOptions) {
    const { log, shardCount, watermarks } = options
    this.options = options
    this.log = log
    this.shardSet = new ShardSet(
      Array.from({ length: shardCount }, (_, id) => id),
      (id) => new Shard(id, options.limits, watermarks, (shard) => gateChanged(this, shard))
    )
    this.settler = new Settler(log, this.consumers, shorten(this))
    this.ownRows = new OwnRows(options.ownRows)
    this.journal = new Journal(log)
    this.delays = new Delays(options)
    this.backlog = new Backlog(options)
    this.claims = new Deduplication(options.claims, log.recovered.claims)
    this.volatile = new Volatile(options.warn)
    this.nextIncarnation = log.recovered.nextIncarnation
    this.numbers = new Numbers(log.recovered)
    this.tails = new TailHub(this.seen, this.volatile.listeners, options.later, () => this.now())
    this.seen.forEach((_, logLane) => this.seen[logLane] = log.head(logLane))
  }

  /** Unix milliseconds. */
  now(): number {
    return this.options.clock.currentTimeMillisUnsafe()
  }

  /** Keeps a decision for those who ask why. */
  decide(decision: DecisionMade): void {
    this.decisions.add(decision, this.now())
  }

  get shards(): ReadonlyArray<Shard> {
    return this.shardSet.shards
  }

  /** The shard of a message. */
  shardOf(topic: string, key: string | undefined): Shard {
    return this.shardSet.at(hash32(orderText(topic, key)))
  }

  /** A consumer that puts what it lets go on back where such deliveries wait. */
  consumer(subscription: Subscription, attachment: Attachment, totals: Totals): Consumer {
    const consumer = new Consumer(subscription, attachment, totals, (delivery) => {
      this.giveBack(delivery)
    })
    this.logMode.enter(consumer)
    return consumer
  }

  /** Queues a delivery that was handed out or held before. */
  giveBack(delivery: Pending): void {
    const { consumer, entry, slot } = delivery
    if (consumer.handler !== undefined) {
      const shard = slot?.shard ?? this.shardOf(entry.message.topic, entry.message.key)
      shard.giveBack(delivery)
    } else {
      consumer.ready.giveBack(delivery)
      consumer.wake()
    }
  }

  /** Queues a delivery for the first time in the shard of its message. */
  offer(delivery: Pending, shard: Shard): void {
    const { consumer } = delivery
    if (consumer.handler !== undefined) shard.offer(delivery)
    else {
      consumer.ready.push(delivery)
      consumer.wake()
    }
  }

  /** Counts a delivery as held from the log until it settles. */
  holdReadAhead(delivery: Pending): void {
    const { consumer, entry } = delivery
    delivery.readAhead = true
    consumer.readAheadCount++
    consumer.readAheadBytes += entry.bytes
    this.readAheadBytes += entry.bytes
  }

  /** Whether a consumer holds as much from the log as it may. */
  readAheadFull(consumer: Consumer): boolean {
    const { allBytes, bytes, count } = this.options.readAhead
    if (this.readAheadBytes >= allBytes) this.isCrowded = true
    return consumer.readAheadCount >= count || consumer.readAheadBytes >= bytes ||
      (this.isCrowded && consumer.readAheadCount > 0)
  }

  /** Lets a delivery occupy a place in its shard. */
  occupy(delivery: Pending, slot: Slot): void {
    delivery.slot = slot
    slot.hold(delivery.consumer)
  }

  /** A new place, whatever the gate says, for a message that is already in the log. */
  slotFor({ bytes, lane, message: { key, topic } }: LogEntry): Slot {
    const position = hash32(orderText(topic, key))
    return new Slot(this.shardSet.at(position), position, lane, bytes)
  }

  /** Gives back the memory a delivery counts for: it settled, or its consumer is replaced. */
  free(delivery: Pending): void {
    const { slot } = delivery
    if (slot !== undefined) {
      delivery.slot = undefined
      slot.leave(delivery.consumer)
      if (slot.holders === 1 && slot.shared > 1) this.logMode.alone(slot)
    }
    if (!delivery.readAhead) return
    const { consumer, entry } = delivery
    delivery.readAhead = false
    consumer.readAheadCount--
    consumer.readAheadBytes -= entry.bytes
    this.readAheadBytes -= entry.bytes
    if (!consumer.live) consumer.wake()
    if (!this.isCrowded || this.readAheadBytes > this.options.readAhead.allBytes / 2) return
    this.isCrowded = false
    this.consumers.forEach((other) => other.live || other.wake())
  }

  /** Ends a delivery: frees what it holds and lets its followers go on. Totals are the caller's. */
  settle(delivery: Pending): void {
    const { consumer, entry, order, track } = delivery
    if (delivery.state === state.parked) consumer.totals.parked--
    delivery.state = state.settled
    this.free(delivery)
    if (track === undefined) {
      this.ownRows.remove(delivery)
      this.settler.removeOwnRow(delivery.ownRow)
    } else {
      if (--entry.pending === 0) this.log.release(entry)
      track.settled()
      this.settler.touch(consumer, track)
    }
    if (order !== undefined) consumer.order.settle(order, delivery)
  }

  /**
   * An attempt of a suspect ended: lets the next suspect run. One that settled is stored first, or
   * the next loss would count against it once more.
   */
  passSuspicion(delivery: Pending): void {
    if (!delivery.suspect) return
    const pass = () => {
      const next = this.suspects.leave(delivery)
      if (next !== undefined) this.giveBack(next)
    }
    if (delivery.state === state.settled) this.settler.whenStored(pass)
    else pass()
  }

  /** Notes a refused publish under the tag of its error. */
  countRefused(tag: string): void {
    this.refused.set(tag, (this.refused.get(tag) ?? 0) + 1)
  }
}
