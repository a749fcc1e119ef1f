/**
 * One run of the simulation: its world, its disk, its models, and the bus that runs now.
 */
import { Duration, Effect, Exit, Layer, Scope } from "effect"
import { hash32 } from "../../src/domain/Position.ts"
import * as Bus from "../../src/layers/bus/Bus.ts"
import type { Core } from "../../src/layers/bus/Core.ts"
import { Resizing } from "../../src/layers/bus/Resizing.ts"
import * as BlockLog from "../../src/layers/log/BlockLog.ts"
import * as MemoryLog from "../../src/layers/log/MemoryLog.ts"
import type { MessageBus } from "../../src/services/MessageBus.ts"
import { type LogEntry, MessageLog } from "../../src/services/MessageLog.ts"
import { ClaimModel } from "./ClaimModel.ts"
import { DeliveryModel } from "./DeliveryModel.ts"
import { Followers } from "./Followers.ts"
import { LogModel } from "./LogModel.ts"
import { registerHooks } from "./Requesters.ts"
import { settingOf } from "./Setting.ts"
import { ShardModel } from "./ShardModel.ts"
import { SimulatedDisk } from "./SimulatedStore.ts"
import { type SimulatedProcess, World } from "./World.ts"

/** Which log the bus runs over. */
export type LogKind = "BlockLog" | "MemoryLog"

/** A bus in its process. */
export interface RunningBus {
  readonly process: SimulatedProcess
  readonly bus: MessageBus["Service"]
  readonly core: Core
  readonly resizing: Resizing
  readonly scope: Scope.Closeable
  /** Handlers by subscription name, with the scope that detaches each. */
  readonly attached: Map<string, Scope.Closeable>
}

/** The state of a run. */
export class Run {
  readonly seed: number
  readonly kind: LogKind
  /** Whether the setting has what was added after the first seeds were kept. */
  readonly more: boolean
  readonly world: World
  readonly disk: SimulatedDisk
  readonly options: Bus.BusOptions
  readonly violations: Array<string> = []
  readonly log: LogModel
  readonly deliveries: DeliveryModel
  readonly shards: ShardModel
  readonly followers: Followers
  /** Hooks see what is published. */
  private readonly hooked: boolean
  /** How often each thing happened, by name. */
  readonly coverage = new Map<string, number>()
  /** Hash of everything observed so far, and in which order. */
  trace = 0
  /** Handlers misbehave; consumers come and go. Ends with the commands. */
  faulty = true
  /** When something last went wrong with the disk. */
  troubleAt = Number.NEGATIVE_INFINITY
  /** Names whose subscription is being changed. */
  readonly busy = new Set<string>()
  /** Grows whenever leases of a name may have been voided. */
  readonly generations = new Map<string, number>()
  /** Pulls so far. */
  pulls = 0
  private forced = 0
  private failures = 0
  private current: RunningBus | undefined = undefined

  constructor(seed: number, kind: LogKind, more: boolean) {
    this.more = more
    const setting = settingOf(seed, more)
    this.seed = seed
    this.kind = kind
    this.world = new World(seed)
    this.world.opsMax = setting.opsMax
    this.disk = new SimulatedDisk({ delayMsMax: setting.diskMsMax, failing: 0 })
    const breach = (invariant: number, what: string): void => {
      this.violations.push(`invariant ${invariant}: ${what} (at ${this.world.now})`)
    }
    const claims = new ClaimModel(breach, setting.bus.claims)
    this.log = new LogModel(breach, () => this.world.now, claims)
    this.deliveries = new DeliveryModel(breach, this.log, kind === "MemoryLog")
    this.shards = new ShardModel(this)
    this.followers = new Followers(this)
    this.world.onStep = () => this.shards.look()
    this.options = setting.bus
    this.hooked = setting.hooked
  }

  /** The bus that runs. */
  get node(): RunningBus {
    if (this.current === undefined) throw new Error("no bus runs")
    return this.current
  }

  /** Notes that something happened. */
  saw(what: string, detail = ""): void {
    this.coverage.set(what, (this.coverage.get(what) ?? 0) + 1)
    this.trace = hash32(`${this.trace} ${this.world.now} ${what} ${detail}`)
  }

  /** Notes a breach of an invariant. */
  breach(invariant: number, what: string): void {
    this.violations.push(`invariant ${invariant}: ${what} (at ${this.world.now})`)
  }

  /** The next transaction fails. */
  failNext(reason: "Full" | "Io"): void {
    this.forced++
    this.disk.failNext(reason)
  }

  /** Looks whether the disk is well. */
  watchDisk(): void {
    const { Full, Io } = this.disk.failures
    const failures = Full + Io
    if (Full > 0) this.coverage.set("disk is full", Full)
    if (Io > 0) this.coverage.set("disk fails", Io)
    const { blocksDeleted } = this.disk
    if (blocksDeleted > 0) this.coverage.set("messages are deleted", blocksDeleted)
    this.forced = Math.max(0, this.forced - (failures - this.failures))
    if (failures > this.failures || this.forced > 0 || this.disk.faults.failing > 0) {
      this.troubleAt = this.world.now
    }
    this.failures = failures
  }

  /** Runs an effect in the process of the bus until it ends, at most a simulated minute. */
  async ended<A, E>(effect: Effect.Effect<A, E>, process = this.node.process): Promise<A> {
    const ends: Array<Exit.Exit<A, E>> = []
    process.fork(effect, (exit) => ends.push(exit))
    for (let waited = 0; ends.length === 0; waited += 5) {
      if (waited > 60_000) throw new Error("a call takes longer than a minute")
      await this.world.advance(5)
    }
    const [exit] = ends
    if (exit !== undefined && Exit.isSuccess(exit)) return exit.value
    throw new Error(`a call failed: ${String(exit)}`)
  }

  /** Opens the bus in a new process and compares what it finds with the models. */
  async open(): Promise<void> {
    const process = this.world.process()
    const scope = Scope.makeUnsafe()
    const { bus, core, pool } = await this.ended(this.build(scope), process)
    const resizing = new Resizing(core, pool)
    this.current = { process, bus, core, resizing, scope, attached: new Map() }
    if (this.hooked) await this.ended(registerHooks(this, scope), process)
    this.shards.started(core)
    this.followers.restarted()
    const standing = new Set(core.log.recovered.subscriptions.map((subscription) => {
      this.deliveries.exists(subscription)
      return subscription.incarnation
    }))
    for (const [incarnation, known] of this.deliveries.subscriptions) {
      if (standing.has(incarnation)) known.deletion = "None"
      else if (known.deletion === "None") this.breach(9, `subscription ${incarnation} is gone`)
      else known.deletion = "Done"
    }
  }

  private build(scope: Scope.Closeable) {
    const over = this.kind === "MemoryLog"
      ? MemoryLog.layer
      : BlockLog.layer(Duration.hours(1)).pipe(Layer.provide(this.disk.layer))
    const { kind, log: model, options, shards } = this
    const saw = (what: string): void => this.saw(what)
    return Effect.gen(function*() {
      const context = yield* Layer.buildWithScope(Layer.fresh(over), scope)
      const log = yield* Effect.provideContext(MessageLog, context)
      const entries: Array<LogEntry> = []
      for (let logLane = 0; logLane < 128; logLane++) {
        entries.push(...(yield* readLane(log, logLane)))
      }
      const delayed = yield* log.delayed(undefined, 10_000, Number.MAX_SAFE_INTEGER)
      // Now: what is due enters the log as soon as the bus has started.
      if (kind === "BlockLog") model.reopened({ entries, delayed, first: log.first })
      const watched = MessageLog.of({
        ...log,
        append: (entries, onDone, changes) => {
          shards.appends(entries)
          log.append(entries, (failure) => {
            if (failure === undefined) model.committed(entries, changes)
            if (failure === undefined && changes?.delayedRemoved?.length !== undefined) {
              saw("delayed messages appended")
            }
            return onDone(failure)
          }, changes)
        },
        commit: (changes, onCommitted) =>
          log.commit(changes, () => {
            model.committed([], changes)
            onCommitted?.()
          })
      })
      const made = yield* Bus.make(options).pipe(
        Effect.provideService(MessageLog, watched),
        Effect.provideService(Scope.Scope, scope)
      )
      return made
    }).pipe(Effect.orDie)
  }
}

const readLane = (log: MessageLog["Service"], logLane: number) =>
  log.head(logLane) === 0
    ? Effect.succeed([])
    : Effect.map(
      log.scan({
        logLane,
        from: log.first(logLane),
        countMax: 10_000,
        bytesMax: Number.MAX_SAFE_INTEGER,
        wants: () => true
      }),
      ({ entries }) => entries
    )
