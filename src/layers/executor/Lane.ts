/**
 * A lane of the quarantine: a thread in which suspects run one at a time. It is started when the
 * first one comes and ended when none has come for a while.
 */
import type { Run } from "./Run.ts"
import type { Suspects } from "./Suspects.ts"
import type { Left, Owner, Thread } from "./Thread.ts"

/** How long a suspect waits while another runs; then its worker is free for others meanwhile. */
export const suspectWaitMs = 2_000

/** How long the thread of a lane is kept for the next suspect. */
export const laneIdleMs = 10_000

/** What a lane needs of the pool. */
export interface LaneOptions {
  readonly now: () => number
  readonly start: (owner: Owner) => Thread
  /** Whether its thread may be started now, or waits for threads that are needed sooner. */
  readonly mayStart: () => boolean
  readonly suspects: Suspects
  /** Counts what a thread left, and tells its runs. */
  readonly lose: (left: Left) => void
  readonly warn: (text: string) => void
}

/** One lane. Mutable on purpose: it belongs to the pool, which runs in one thread. */
export class Lane implements Owner {
  private readonly options: LaneOptions
  private thread: Thread | undefined = undefined
  private current: Run | undefined = undefined
  private readonly queued = new Set<Run>()
  private usedAt = 0
  private isClosed = false

  constructor(options: LaneOptions) {
    this.options = options
  }

  /** Suspects that run, and that wait for that. */
  get counts(): { readonly running: number; readonly waiting: number } {
    return { running: this.current === undefined ? 0 : 1, waiting: this.queued.size }
  }

  /** Whether it has a thread, or needs one. */
  get isUsed(): boolean {
    return this.thread !== undefined || this.queued.size > 0
  }

  /** Whether its thread loads. */
  get isStarting(): boolean {
    return this.thread?.state === "starting"
  }

  /** Starts its thread before it is needed: a thread is about to be lost. */
  warm(): void {
    if (this.isClosed) return
    this.usedAt = this.options.now()
    this.thread ??= this.options.start(this)
  }

  /** A suspect comes. */
  add(run: Run): void {
    this.queued.add(run)
    this.next()
  }

  /** A run was interrupted before its handler began. */
  forget(run: Run): void {
    this.queued.delete(run)
    if (this.current === run) this.current = undefined
  }

  /** Looks after the one that runs, those that wait, and the thread. */
  tick(now: number, letGoMs: number): void {
    const { current, thread } = this
    if (current !== undefined) this.usedAt = now
    for (const run of this.queued) {
      if (current === undefined || now - run.waitsSince < suspectWaitMs) continue
      this.queued.delete(run)
      run.giveUp()
    }
    if (thread === undefined) return this.next()
    if (thread.look(now, letGoMs) !== undefined) {
      thread.end("terminated", "it was ended: its handler did not let go")
    } else if (this.queued.size === 0 && now - this.usedAt > laneIdleMs) {
      thread.end("asked", "nobody needed it")
    }
  }

  /** Gives up what waits; returns its thread. */
  close(): ReadonlyArray<Thread> {
    this.isClosed = true
    for (const run of this.queued) run.giveUp()
    this.queued.clear()
    return this.thread === undefined ? [] : [this.thread]
  }

  started(thread: Thread, started: Parameters<Owner["started"]>[1]): void {
    if (started.isOk) {
      thread.open()
      return this.next()
    }
    this.options.warn(`agent ${started.agent}: ${started.reason}`)
    thread.end("asked", started.reason)
  }

  freed(_thread: Thread, run: Run | undefined, isDone: boolean): void {
    if (run !== undefined && isDone) this.options.suspects.clear(run)
    if (run === this.current) this.current = undefined
    this.next()
  }

  ended(_thread: Thread, left: Left): void {
    this.thread = undefined
    this.current = undefined
    for (const run of left.unbegun) {
      if (this.isClosed) run.giveUp()
      else this.queued.add(run)
    }
    this.options.lose(left)
  }

  complained(text: string): void {
    this.options.warn(text)
  }

  private next(): void {
    if (this.queued.size === 0) return
    const now = this.options.now()
    this.usedAt = now
    if (this.options.mayStart()) this.thread ??= this.options.start(this)
    if (this.current !== undefined || this.thread?.hasCredit !== true) return
    for (const run of this.queued) {
      this.queued.delete(run)
      this.current = run
      return this.thread?.give(run, now)
    }
  }
}
