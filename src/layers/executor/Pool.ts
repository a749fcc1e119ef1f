/**
 * The pool: hands deliveries to threads. What finds no credit waits here, which is at most what the
 * bus hands out at once: one delivery for each of its workers.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Semaphore from "effect/Semaphore"
import type { AgentUnloadable } from "../../services/Agent.ts"
import type { ExecutorSnapshot, LoadedHandler } from "../../services/Executor.ts"
import { Crew, letGoMs, type PoolOptions } from "./Crew.ts"
import { Lane } from "./Lane.ts"
import { loadEverywhere, loadInto, loadsMax } from "./Modules.ts"
import { moduleNumberOf, type NumberedModule, type Started } from "./Protocol.ts"
import type { Run } from "./Run.ts"
import { creditsMax } from "./Slots.ts"
import { Suspects, suspectsMax } from "./Suspects.ts"
import type { Left, Owner, Thread } from "./Thread.ts"

/** The pool. Mutable on purpose: it runs in the main thread only, for every message. */
export class Pool implements Owner {
  private readonly options: PoolOptions
  private readonly crew: Crew
  private readonly suspects = new Suspects()
  private readonly lanes: readonly [bystanders: Lane, accused: Lane]
  /** Taken back from threads: they go first. */
  private readonly returned = new Set<Run>()
  private readonly queued = new Set<Run>()
  /** For modules that are loaded. */
  private readonly places = Semaphore.makeUnsafe(loadsMax)
  private readonly counts = { terminated: 0, crashed: 0, lost: 0 }

  constructor(options: PoolOptions) {
    this.options = options
    this.crew = new Crew(options)
    const lane = (mayStart: () => boolean) =>
      new Lane({
        mayStart,
        now: options.now,
        start: (owner) => this.crew.start(owner),
        suspects: this.suspects,
        lose: (left) => this.lose(left),
        warn: options.warn
      })
    const bystanders = lane(() => true)
    // The accused is in no hurry: on few cores threads that start together keep each other waiting.
    const accused = lane(() =>
      !bystanders.isStarting && [...this.crew.members].every(({ state }) => state !== "starting")
    )
    this.lanes = [bystanders, accused]
  }

  /** What the pool does and has done. */
  get snapshot(): ExecutorSnapshot {
    const lanes = this.lanes.map(({ counts }) => counts)
    const members = [...this.crew.members]
    return {
      threads: members.length,
      credits: members.length * creditsMax,
      running: sum(members.map(({ inFlight }) => inFlight)) + sum(lanes.map((of) => of.running)),
      waiting: this.queued.size + this.returned.size + sum(lanes.map((of) => of.waiting)),
      heapBytes: sum(members.map(({ heapBytes }) => heapBytes)),
      suspects: this.suspects.size,
      suspectsMax,
      recycled: this.crew.recycled,
      ...this.counts
    }
  }

  /** Whether something has to be looked after. */
  get isBusy(): boolean {
    return this.queued.size + this.returned.size > 0 || this.lanes.some(({ isUsed }) => isUsed) ||
      this.crew.lacks(this.options.now()) ||
      [...this.crew.members].some(({ inFlight, state }) => inFlight > 0 || state !== "ready")
  }

  /** Loads a module into every thread; the first one starts them. */
  load(module: NumberedModule): Effect.Effect<ReadonlyArray<LoadedHandler>, AgentUnloadable> {
    const { crew } = this
    const loaded = Effect.suspend(() => {
      crew.loading++
      return loadEverywhere(() => crew.forLoading(this), module, this.places)
    })
    const proven = Effect.tap(loaded, () =>
      Effect.sync(() => {
        // A thread that replaces another need not check again what was found to be good.
        const options = { ...module.options, isCheckSkipped: true }
        crew.modules.set(module.number, { ...module, options })
        this.options.wake()
      }))
    return Effect.onExit(proven, (exit) => {
      crew.loading--
      return Exit.isSuccess(exit) ? Effect.void : this.unload(module.number)
    })
  }

  /** Forgets a module. */
  unload(number: number): Effect.Effect<void> {
    return Effect.sync(() => {
      this.crew.modules.delete(number)
      if (this.crew.isUnused) return this.crew.end("no agent is loaded")
      for (const { controls } of this.crew.members) {
        this.options.fork(Effect.ignore(Effect.flatMap(controls, (of) => of.Unload({ number }))))
      }
    })
  }

  /** A delivery comes. */
  add(run: Run): void {
    const isAccused = this.suspects.of(run)
    run.waits(this.options.now())
    this.options.wake()
    if (this.crew.isClosed || !this.crew.modules.has(moduleNumberOf(run.handler.id))) {
      return run.giveUp()
    }
    if (isAccused !== undefined) return this.lanes[isAccused ? 1 : 0].add(run)
    this.queued.add(run)
    this.dispatch()
  }

  /** Whoever waits for a run was interrupted; `letGo` is called when it is over. */
  interrupt(run: Run, letGo: () => void): void {
    const { place } = run
    if (place !== undefined && !place.takeBack(run)) {
      place.cancel(run, this.options.now(), letGo)
      return
    }
    this.queued.delete(run)
    this.returned.delete(run)
    for (const lane of this.lanes) lane.forget(run)
    letGo()
  }

  /** Looks after threads and what they run; called ten times a second while it is busy. */
  tick(): void {
    const now = this.options.now()
    for (const thread of this.crew.members) {
      for (const run of this.crew.lookAfter(thread, now)) this.returned.add(run)
      // Those beside the one that blocks it may have waited for their time limit: hurry.
      if (thread.isSuspended(now) && thread.inFlight > 1) this.lanes[0].warm()
    }
    for (const lane of this.lanes) lane.tick(now, letGoMs)
    this.crew.replace(now)
    this.crew.ask(now)
    this.crew.ensure(this)
    this.dispatch()
  }

  /** Ends all threads; returns them. What waits is not going to begin. */
  close(): ReadonlyArray<Thread> {
    this.crew.isClosed = true
    for (const run of [...this.returned, ...this.queued]) run.giveUp()
    const threads = [...this.crew.members, ...this.lanes.flatMap((lane) => lane.close())]
    for (const thread of threads) thread.end("asked", "the executor closes")
    return threads
  }

  started(thread: Thread, started: Started): void {
    if (!started.isOk) {
      this.options.warn(`agent ${started.agent}: ${started.reason}`)
      return thread.end("asked", "its agents do not load")
    }
    // Modules that were loaded while it started.
    const missing = [...this.crew.modules.values()].filter(({ number }) =>
      !thread.modules.has(number)
    )
    this.options.fork(Effect.match(
      Effect.forEach(missing, (module) => loadInto(thread, module), { discard: true }),
      {
        onSuccess: () => {
          this.crew.proved(thread)
          this.dispatch()
        },
        onFailure: (error) => {
          this.options.warn(error.message)
          thread.end("asked", "its agents do not load")
        }
      }
    ))
  }

  freed(): void {
    this.dispatch()
  }

  ended(thread: Thread, left: Left): void {
    this.crew.gone(thread)
    for (const run of left.unbegun) {
      if (this.crew.isClosed) run.giveUp()
      else this.returned.add(run)
    }
    this.lose(left)
    this.options.wake()
    this.crew.ensure(this)
    this.dispatch()
  }

  complained(text: string): void {
    this.options.warn(text)
  }

  private lose({ last, lost, why, words }: Left): void {
    if (why === "terminated") this.counts.terminated++
    if (why === "crashed") this.counts.crashed++
    if (why !== "asked") {
      this.options.warn(`an executor thread with ${lost.length} running handlers: ${words}`)
      this.suspects.add(lost, last)
    }
    this.counts.lost += lost.length
    const error = `the thread of the handler: ${words}`
    for (const run of lost) run.fail({ tag: "ThreadLost", error, isPermanent: false })
  }

  private dispatch(): void {
    const now = this.options.now()
    for (const queue of [this.returned, this.queued]) {
      for (const run of queue) {
        const thread = this.choose(moduleNumberOf(run.handler.id), now)
        if (thread === undefined) return
        queue.delete(run)
        thread.give(run, now)
      }
    }
  }

  /** The least busy thread that can take a delivery of a module. */
  private choose(module: number, now: number): Thread | undefined {
    let best: Thread | undefined = undefined // One pass for each message: hot.
    for (const thread of this.crew.members) {
      if (!thread.hasCredit || !thread.modules.has(module) || thread.isBlocked(now)) continue
      if (best === undefined || thread.inFlight < best.inFlight) best = thread
    }
    return best
  }
}

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, one) => total + one, 0)
