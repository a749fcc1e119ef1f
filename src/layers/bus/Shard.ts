/**
 * A shard at run time: two lanes of deliveries for handlers, its workers, the space it has and the
 * gate before it.
 */
import { type Lane, lanes } from "../../domain/Priority.ts"
import { type Gate, nextGate, type Watermarks } from "../../domain/Watermark.ts"
import { Lanes } from "./Lanes.ts"
import type { Pending } from "./Pending.ts"
import type { Worker } from "./Worker.ts"

/** Limits of one shard. */
export interface ShardLimits {
  /** Messages with an unsettled delivery. Source: guide, MESSAGE_BUS_MAX_QUEUE_SIZE. */
  readonly slotsMax: number
  /** Their payloads and headers in bytes. Source: design, P8. */
  readonly bytesMax: number
}

/** One shard. Mutable on purpose: its counters change with every message. */
export class Shard {
  readonly id: number
  readonly limits: ShardLimits
  readonly lanes = new Lanes()
  /** Those that take deliveries; one that was sent away is not among them any more. */
  readonly workers: Array<Worker> = []
  private readonly marks: Watermarks
  private readonly onGate: (shard: Shard) => void
  private readonly parked: Array<() => void> = []
  private waking = false
  gate: Gate = "Open"
  /** Takes no messages until an operator says so. */
  paused = false
  slots = 0
  /** Those of `slots` that belong to the high lane. */
  slotsHigh = 0
  bytes = 0
  inFlight = 0
  workerRestarts = 0

  constructor(
    id: number,
    limits: ShardLimits,
    marks: Watermarks,
    onGate: (shard: Shard) => void
  ) {
    this.id = id
    this.limits = limits
    this.marks = marks
    this.onGate = onGate
  }

  /** How full it is by count or bytes, whichever is more; above 1 only after a resize. */
  get fill(): number {
    const { bytesMax, slotsMax } = this.limits
    return Math.max(this.slots / slotsMax, this.bytes / bytesMax)
  }

  /** Its slots by lane. */
  get held(): { readonly high: number; readonly normal: number } {
    return { high: this.slotsHigh, normal: this.slots - this.slotsHigh }
  }

  /** Counts a slot more or less, and closes or opens the gate. Constant time: for every message. */
  fillBy(slots: number, lane: Lane, bytes: number): void {
    this.slots += slots
    if (lane === lanes.high) this.slotsHigh += slots
    this.bytes += bytes
    const next = nextGate(this.gate, this.fill, this.marks)
    if (next === this.gate) return
    this.gate = next
    this.onGate(this)
  }

  /** Whether a message of so many bytes finds no place. An empty shard takes any. */
  isFull(bytes: number): boolean {
    return this.slots > 0 &&
      (this.gate === "Closed" || this.bytes + bytes > this.limits.bytesMax)
  }

  /** Whether nothing is queued. */
  get isEmpty(): boolean {
    return this.lanes.size(0) + this.lanes.size(1) === 0
  }

  /** How many workers wait for something to be queued. */
  get parkedWorkers(): number {
    return this.parked.length
  }

  /** Queues a new delivery. */
  offer(delivery: Pending): void {
    this.lanes.push(delivery)
    this.wake()
  }

  /** Queues a delivery that was handed out or held before. */
  giveBack(delivery: Pending): void {
    this.lanes.giveBack(delivery)
    this.wake()
  }

  /** Lets a worker sleep until something is queued; returns how to stop waiting. */
  park(resume: () => void): () => void {
    this.parked.push(resume)
    return () => {
      const at = this.parked.indexOf(resume)
      if (at >= 0) this.parked.splice(at, 1)
    }
  }

  /**
   * Wakes as many sleeping workers as there is work for, once per burst. Deferred, because a
   * resumed fibre runs at once, inside the publisher's call.
   */
  wake(): void {
    if (this.waking || this.parked.length === 0) return
    this.waking = true
    queueMicrotask(() => {
      this.waking = false
      const work = this.lanes.size(0) + this.lanes.size(1)
      this.parked.splice(0, work).forEach((resume) => resume())
    })
  }

  /** Wakes every sleeping worker, so that each can look whether it should end. */
  wakeAll(): void {
    this.parked.splice(0).forEach((resume) => resume())
  }
}
