/**
 * The shards of a simulated bus: their gates, worked out from every slot that is taken or given
 * back, who owns which position, and what was announced.
 *
 * It watches the shards themselves, because a gate may close and open within one step.
 */
import type { Draft } from "../../src/domain/Message.ts"
import { hash32, orderText } from "../../src/domain/Position.ts"
import type { Core } from "../../src/layers/bus/Core.ts"
import type { Shard } from "../../src/layers/bus/Shard.ts"
import type { LogEntry } from "../../src/services/MessageLog.ts"
import type { Run } from "./Run.ts"

/** The gate of one shard. */
interface Gate {
  slots: number
  bytes: number
  isClosed: boolean
  /** A resize left more in it than its limit, until it is below the low mark. */
  isOver: boolean
}

/** What the publisher of one draft must be told, if it is told in the same step. */
interface Asked {
  readonly step: number
  readonly payload: string
  readonly refusal: "ShardFull" | "ShardPaused" | undefined
}

/** Positions whose owners are compared. */
const sample = Array.from({ length: 64 }, (_, at) => hash32(`position ${at}`))

/** The shards of the bus that runs now. */
export class ShardModel {
  private readonly run: Run
  private core: Core | undefined = undefined
  private gates = new Map<Shard, Gate>()
  private shards: ReadonlyArray<Shard> = []
  private owners: ReadonlyArray<number> = []
  private asked: Asked | undefined = undefined
  /** Gates that closed and opened, and what was announced of it. */
  private changes = 0
  private announced = 0
  private resizes = 0
  /** A slot was given back just now: the next one taken may be the same, moved to its new owner. */
  private isMoving = false

  constructor(run: Run) {
    this.run = run
  }

  /** Another process runs. */
  started(core: Core): void {
    this.core = core
    this.gates = new Map()
    this.shards = []
    this.asked = undefined
    this.changes = this.announced = 0
    core.onBackpressure.add(() => {
      if (this.core === core) this.changes++
    })
    core.volatile.listeners.add(({ payload, topic }) => {
      if (this.core !== core) return
      if (topic === "message_bus.backpressure") this.announced++
      if (topic === "message_bus.resize") this.resizes++
      this.run.saw(`announced ${topic}`, payload)
    })
    this.look()
  }

  /** Every shard that there was in this process. */
  get all(): ReadonlyArray<Shard> {
    return [...this.gates.keys()]
  }

  /** Called after every step: whether the shards changed in it. */
  look(): void {
    const { core } = this
    if (core === undefined || core.shards === this.shards) return
    const before = this.shards
    this.shards = core.shards
    core.shards.forEach((shard) => this.watch(core, shard))
    this.checkRing(core, before)
    this.checkPlaces(core)
    const { slotsMax } = core.options.limits
    this.gates.forEach((gate) => gate.isOver ||= gate.slots > slotsMax)
  }

  /** What waits or has a place is where the ring says, and within limits. */
  check(): void {
    const { core } = this
    if (core === undefined) return
    this.look()
    this.checkPlaces(core)
    const { slotsMax } = core.options.limits
    for (const [shard, gate] of this.gates) {
      if (gate.slots !== shard.slots || gate.bytes !== shard.bytes) {
        this.run.breach(3, `shard ${shard.id} counts ${shard.slots} slots, ${gate.slots} are taken`)
      }
      const isMore = this.run.kind === "BlockLog" && gate.slots > slotsMax && !gate.isOver
      if (isMore) this.run.breach(3, `shard ${shard.id} has ${gate.slots} of ${slotsMax} slots`)
    }
  }

  /** Nothing is under way: every change of a gate was announced once. */
  checkQuiet(): void {
    if (this.changes !== this.announced) {
      this.run.breach(3, `${this.changes} gates changed, ${this.announced} announcements`)
    }
  }

  /** A publisher asks now. */
  asks({ key, payload, payloadBytes, topic }: Draft): void {
    const { core } = this
    if (core === undefined) return
    const shard = core.shardOf(topic, key)
    const gate = this.gates.get(shard)
    if (gate === undefined) return
    const isFull = gate.slots > 0 &&
      (gate.isClosed || gate.bytes + payloadBytes > core.options.limits.bytesMax)
    const refusal = shard.paused ? "ShardPaused" : isFull ? "ShardFull" : undefined
    this.asked = { step: this.run.world.steps, payload, refusal }
  }

  /** The log is asked to append: nothing that should have been refused. */
  appends([entry, ...others]: ReadonlyArray<LogEntry>): void {
    const { asked } = this
    if (others.length > 0 || asked?.step !== this.run.world.steps) return
    if (entry?.message.payload === asked.payload && asked.refusal !== undefined) {
      this.run.breach(3, `${asked.payload} was accepted instead of ${asked.refusal}`)
    }
  }

  /** A publisher was refused. */
  refused(payload: string, tag: string): void {
    const { asked } = this
    if (tag !== "ShardFull" && tag !== "ShardPaused") return
    if (asked?.step !== this.run.world.steps || asked.payload !== payload) return
    if (asked.refusal !== tag) this.run.breach(3, `${payload}: ${tag} instead of ${asked.refusal}`)
  }

  private watch(core: Core, shard: Shard): void {
    if (this.gates.has(shard)) return
    const { bytes, slots } = shard
    const gate = { slots, bytes, isClosed: shard.gate === "Closed", isOver: false }
    this.gates.set(shard, gate)
    const { high, low } = core.options.watermarks
    const fillBy = shard.fillBy.bind(shard)
    const update = (): void => {
      const { bytesMax, slotsMax } = core.options.limits
      const fill = Math.max(gate.slots / slotsMax, gate.bytes / bytesMax)
      const was = gate.isClosed
      gate.isClosed = fill >= high || (was && fill >= low)
      if (was !== gate.isClosed) this.run.saw(`gate ${was ? "opens" : "closes"}`, `${shard.id}`)
      if (fill < low) gate.isOver = false
      if (gate.isClosed !== (shard.gate === "Closed")) {
        this.run.breach(3, `the gate of shard ${shard.id} is ${shard.gate} at fill ${fill}`)
      }
    }
    update()
    shard.fillBy = (count, lane, size) => {
      if (count > 0 && !this.isMoving && gate.isClosed && this.run.kind === "BlockLog") {
        this.run.breach(3, `a slot was taken behind the closed gate of shard ${shard.id}`)
      }
      gate.slots += count
      gate.isOver ||= this.isMoving && gate.slots > core.options.limits.slotsMax
      this.isMoving = count < 0
      gate.bytes += size
      fillBy(count, lane, size)
      update()
    }
  }

  /** Invariant 8: positions move only to a shard that came, or from one that went. */
  private checkRing(core: Core, before: ReadonlyArray<Shard>): void {
    const owners = sample.map((position) => core.shardSet.at(position).id)
    const came = core.shards.filter((shard) => !before.includes(shard)).map(({ id }) => id)
    const went = before.filter((shard) => !core.shards.includes(shard)).map(({ id }) => id)
    owners.forEach((owner, at) => {
      const former = this.owners[at]
      if (before.length === 0 || former === undefined || former === owner) return
      this.run.saw("a position moves")
      if (!came.includes(owner) && !went.includes(former)) {
        this.run.breach(8, `a position moved from ${former} to ${owner}`)
      }
    })
    this.owners = owners
  }

  /** Invariant 7: one owner of each position, and whatever waits there waits at its owner. */
  private checkPlaces(core: Core): void {
    for (const consumer of core.consumers.values()) {
      for (const { slot, entry: { message: { key, topic } } } of consumer.unsettled()) {
        if (slot === undefined) continue
        const owner = core.shardSet.at(hash32(orderText(topic, key)))
        if (slot.shard !== owner) this.run.breach(7, `a slot of ${topic} is not at its owner`)
      }
    }
    for (const shard of this.gates.keys()) {
      if (!core.shards.includes(shard) && !shard.isEmpty) {
        this.run.breach(7, `shard ${shard.id} is gone and still has deliveries`)
      }
    }
  }
}
