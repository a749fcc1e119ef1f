/**
 * The main thread's end of an executor thread: what it was handed, and how it does.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { receiveMessageOnPort } from "node:worker_threads"
import { Answers } from "./Answers.ts"
import { Ledger } from "./Ledger.ts"
import { Outbox } from "./Outbox.ts"
import type { FromThread, NumberedModule, Started } from "./Protocol.ts"
import type { Place, Run } from "./Run.ts"
import type { Spawned } from "./Spawning.ts"

/** How long a thread that runs nothing may wait for answers before it ends. */
const finishMs = 5_000

/** Why a thread ended. */
export type Why = "asked" | "terminated" | "crashed"

/** What a thread left behind when it ended. */
export interface Left {
  readonly why: Why
  /** How it ended, in words. */
  readonly words: string
  readonly unbegun: ReadonlyArray<Run>
  readonly lost: ReadonlyArray<Run>
  /** The one of them whose handler began last. */
  readonly last: Run | undefined
}

/** Whoever uses a thread. */
export interface Owner {
  /** Its modules are loaded, or cannot be. */
  readonly started: (thread: Thread, started: Started) => void
  /** A run of it has its outcome, and its slot is free again. */
  readonly freed: (thread: Thread, run: Run | undefined, isDone: boolean) => void
  readonly ended: (thread: Thread, left: Left) => void
  readonly complained: (text: string) => void
}

/** One thread. Mutable on purpose: written for every message. */
export class Thread implements Place {
  /** Numbers of the modules that it has loaded, and those it started with. */
  readonly modules: Set<number>
  readonly startedWith: ReadonlyArray<number>
  readonly controls: Spawned["controls"]
  /** What became of the modules it started with. */
  readonly start = Deferred.makeUnsafe<Started>()
  /** It is gone. */
  readonly exit = Deferred.makeUnsafe<void>()
  /** It could be used once. */
  wasReady = false
  /** It runs nothing and is about to end. */
  isFinishing = false
  state: "starting" | "ready" | "draining" | "ending" | "ended" = "starting"
  /** It is replaced after so many deliveries. */
  readonly budget: number
  /** When it has to be ready (Unix milliseconds). */
  readonly startBy: number
  handled = 0
  /** It is to be replaced because its budget is spent. */
  isDue = false
  /** When it has to be done with what it runs (Unix milliseconds). */
  drainBy = Number.POSITIVE_INFINITY
  heapBytes = 0
  private readonly spawned: Spawned
  private readonly owner: Owner
  private readonly ledger: Ledger
  private readonly answers: Answers
  private readonly outbox: Outbox
  private why: Why = "crashed"
  private words = "it exited"

  constructor(
    spawned: Spawned,
    modules: ReadonlyArray<NumberedModule>,
    { budget, startBy }: { readonly budget: number; readonly startBy: number },
    owner: Owner
  ) {
    this.spawned = spawned
    this.controls = spawned.controls
    this.startedWith = modules.map(({ number }) => number)
    this.modules = new Set(this.startedWith)
    this.budget = budget
    this.startBy = startBy
    this.owner = owner
    this.ledger = new Ledger(spawned.memory)
    this.outbox = new Outbox(spawned.port)
    this.answers = new Answers(this.outbox.answer)
    spawned.port.on("message", (message: FromThread) => this.receive(message))
    spawned.worker.on("error", (error) => this.words = `it crashed: ${error.message}`)
    spawned.worker.on("exit", (code) => this.exited(code))
  }

  /** Deliveries in it that have no outcome. */
  get inFlight(): number {
    return this.ledger.inFlight
  }

  /** Whether it can take another delivery. */
  get hasCredit(): boolean {
    return this.state === "ready" && this.ledger.credits > 0
  }

  /** Whether its loop has stood still for a while although something runs in it. */
  isBlocked(now: number): boolean {
    return this.ledger.isBlocked(now)
  }

  /** Whether it is blocked and a handler in it was told to let go. */
  isSuspended(now: number): boolean {
    return this.ledger.isBlocked(now) && this.ledger.hasCancelled
  }

  /** Whether all that still runs in it was told to let go. */
  get isHung(): boolean {
    return this.ledger.isHung
  }

  /** Hands a delivery over; there has to be a credit. */
  give(run: Run, now: number): void {
    run.place = this
    this.ledger.enter(run, now)
    this.answers.expect(run)
    this.outbox.give(run)
  }

  /** Takes a delivery back, unless its handler began. */
  takeBack(run: Run): boolean {
    return this.ledger.takeBack(run)
  }

  /** Takes back all that it did not begin. */
  takeAllBack(): ReadonlyArray<Run> {
    return this.ledger.takeAllBack()
  }

  /** Tells a handler to let go; `letGo` is called when it has, or its thread is gone. */
  cancel(run: Run, now: number, letGo: () => void): void {
    run.cancel(now, this.ledger.beats, letGo)
    this.outbox.cancel(run.slot)
  }

  /** Looks at what began; returns a run that has not let go by its limit. */
  look(now: number, letGoMs: number): Run | undefined {
    return this.ledger.look(now, letGoMs)
  }

  /** Whether its loop has not turned since the run was told to let go. */
  hasStoodStill(run: Run): boolean {
    return this.ledger.beats === run.heartThen
  }

  /** Its modules are loaded: it takes deliveries. */
  open(): void {
    if (this.state !== "starting") return
    this.state = "ready"
    this.wasReady = true
  }

  /** Gives it no more deliveries; it has until `drainBy` (Unix milliseconds) for what it has. */
  drain(drainBy: number): void {
    this.state = "draining"
    this.drainBy = drainBy
  }

  /** Asks how it does. */
  get ask(): Effect.Effect<void> {
    return Effect.flatMap(this.controls, (controls) => controls.Stats()).pipe(
      Effect.map(({ heapBytes }) => void (this.heapBytes = heapBytes)),
      Effect.timeoutOption(finishMs),
      Effect.ignore
    )
  }

  /** Ends it once what its handlers sent is answered, or did not get answered in time. */
  finish(words: string): Effect.Effect<void> {
    this.isFinishing = true
    return Effect.flatMap(this.controls, (controls) => controls.Drain()).pipe(
      Effect.timeoutOption(finishMs),
      Effect.ignore,
      Effect.andThen(Effect.sync(() => this.end("asked", words)))
    )
  }

  /** Ends it, whatever it runs. */
  end(why: Why, words: string): void {
    if (this.state === "ending" || this.state === "ended") return
    this.state = "ending"
    this.why = why
    this.words = words
    void this.spawned.worker.terminate()
  }

  private receive(message: FromThread): void {
    if (message.kind === "started") {
      Deferred.doneUnsafe(this.start, Effect.succeed(message.started))
      return this.owner.started(this, message.started)
    }
    if (message.kind === "complaint") return this.owner.complained(message.text)
    // Before the outcomes: a handler may have ended without waiting for what it sent.
    for (const call of message.calls) {
      this.answers.call(call, this.ledger.find(call.slot, call.hand))
    }
    for (const slot of message.skipped) this.skipped(slot)
    for (const slot of message.done) {
      const run = this.finished(slot)
      this.release(slot, run, true)
      run?.succeed()
    }
    for (const { slot, ...failure } of message.failed) {
      const run = this.finished(slot)
      this.release(slot, run, false)
      run?.fail(failure)
    }
  }

  /** It was taken back, or its module is unloaded. */
  private skipped(slot: number): void {
    this.ledger.leave(slot)?.giveUp()
    this.release(slot, undefined, false)
  }

  private finished(slot: number): Run | undefined {
    this.handled++
    return this.ledger.leave(slot)
  }

  private release(slot: number, run: Run | undefined, isDone: boolean): void {
    this.ledger.release(slot)
    this.owner.freed(this, run, isDone)
  }

  /** Read what it still said, then sort what it had: nothing of it can run any more. */
  private exited(code: number): void {
    const { port } = this.spawned
    for (let left = receiveMessageOnPort(port); left !== undefined;) {
      this.receive(left.message)
      left = receiveMessageOnPort(port)
    }
    port.close()
    this.state = "ended"
    const { done, ...left } = this.ledger.close()
    for (const run of done) run.succeed()
    const words = this.words === "it exited" ? `it exited with code ${code}` : this.words
    this.owner.ended(this, { ...left, why: this.why, words })
    Deferred.doneUnsafe(this.exit, Effect.void)
  }
}
