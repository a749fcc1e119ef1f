/**
 * The crew: as many threads as there should be, each replaced when its time has come.
 */
import type { Effect } from "effect/Effect"
import type { Fiber } from "effect/Fiber"
import type { NumberedModule } from "./Protocol.ts"
import { spawn } from "./Spawning.ts"
import { type Owner, Thread } from "./Thread.ts"

/** What a pool of threads is made from. */
export interface PoolOptions {
  readonly threads: number
  /** Deliveries after which a thread is replaced, before jitter. */
  readonly recycleAfter: number
  /** Most memory of one thread's heap; that of the runtime unless set. */
  readonly heapMegabytesMax: number | undefined
  readonly now: () => number
  /** 0 to 1. */
  readonly random: () => number
  readonly fork: (effect: Effect<unknown>) => Fiber<unknown>
  readonly warn: (text: string) => void
  /** Told when something has to be looked after. */
  readonly wake: () => void
}

/** How far the number of deliveries after which a thread is replaced may be off. */
export const recycleJitter = 0.05

/** How long a handler may take to let go when its thread could run it. */
export const letGoMs = 500

/** How long the others of a thread may run on when a handler in it has not let go. */
export const hungDrainMs = 5_000

/** How long a thread that is replaced may take to finish: longer than any time limit. */
export const recycleDrainMs = 3_700_000

/** Wait before a thread is started again that could not start: doubled each time, to the last. */
export const restartMs = { first: 1_000, last: 30_000 } as const

/** How long a thread may take to load what others have loaded before. */
export const startMs = 120_000

/** How often threads are asked how they do, while something runs in them. */
export const statsMs = 5_000

/** The threads of a pool. Mutable on purpose: it belongs to the pool, in the main thread. */
export class Crew {
  readonly members = new Set<Thread>()
  /** What every thread loads when it starts. */
  readonly modules = new Map<number, NumberedModule>()
  recycled = 0
  /** Modules that are being loaded. */
  loading = 0
  private readonly options: PoolOptions
  private failures = 0
  private restartAt = 0
  private askedAt = 0
  isClosed = false

  constructor(options: PoolOptions) {
    this.options = options
  }

  /** Whether threads are missing. */
  lacks(now: number): boolean {
    if (this.isClosed || this.modules.size === 0) return false
    const able = [...this.members].filter((thread) => isAble(thread, now)).length
    return able < this.options.threads && this.members.size < this.options.threads * 2
  }

  /** Starts the threads that are missing, unless the last one could not start just now. */
  ensure(owner: Owner): void {
    const now = this.options.now()
    while (now >= this.restartAt && this.lacks(now)) this.members.add(this.start(owner))
  }

  /**
   * The threads that a module has to be loaded into; starts them for the first one. They start with
   * what loaded before, and not with a module that may fail or never end: others load beside it.
   */
  forLoading(owner: Owner): ReadonlyArray<Thread> {
    const live = [...this.members].filter(({ state }) => state === "starting" || state === "ready")
    if (live.length > 0 || this.isClosed) return live
    for (let count = 0; count < this.options.threads; count++) this.members.add(this.start(owner))
    return this.forLoading(owner)
  }

  /** Starts a thread, which belongs to nobody yet. */
  start(owner: Owner): Thread {
    const { fork, heapMegabytesMax, now, random, recycleAfter } = this.options
    const modules = [...this.modules.values()]
    const spread = 1 + recycleJitter * (2 * random() - 1)
    return new Thread(
      spawn(modules, heapMegabytesMax, fork),
      modules,
      { budget: Math.round(recycleAfter * spread), startBy: now() + startMs },
      owner
    )
  }

  /** Whether its threads have nothing to run, and are not going to. */
  get isUnused(): boolean {
    return this.modules.size === 0 && this.loading === 0 &&
      [...this.members].every(({ inFlight }) => inFlight === 0)
  }

  /** Ends every thread. */
  end(words: string): void {
    for (const thread of this.members) thread.end("asked", words)
  }

  /** A thread could start. */
  proved(thread: Thread): void {
    this.failures = 0
    thread.open()
  }

  /** A thread is gone; one that could never be used delays the next start. */
  gone(thread: Thread): void {
    this.members.delete(thread)
    if (thread.wasReady) return
    const wait = Math.min(restartMs.first * 2 ** this.failures++, restartMs.last)
    this.restartAt = this.options.now() + wait
  }

  /** Looks after a thread; returns what it took back because the thread is blocked. */
  lookAfter(thread: Thread, now: number) {
    if (thread.state === "starting" && now >= thread.startBy) {
      thread.end("terminated", `it has not loaded its agents within ${startMs} ms`)
    }
    const late = thread.look(now, letGoMs)
    const taken = thread.isBlocked(now) ? thread.takeAllBack() : []
    const unyielding = "it was ended: a handler did not let go"
    if (late !== undefined && thread.hasStoodStill(late)) thread.end("terminated", unyielding)
    else if (late !== undefined && thread.state === "ready") {
      // Its loop turns, so the others may finish; but only its end ends a handler that goes on.
      thread.drain(now + hungDrainMs)
    }
    if (thread.state !== "draining") return taken
    if (thread.inFlight === 0 && !thread.isFinishing) {
      this.options.fork(thread.finish("it was replaced"))
    } else if (now >= thread.drainBy || (late !== undefined && thread.isHung)) {
      thread.end("terminated", unyielding)
    }
    return taken
  }

  /** Asks every thread how it does, from time to time. A blocked one answers later. */
  ask(now: number): void {
    if (now - this.askedAt < statsMs) return
    this.askedAt = now
    for (const thread of this.members) {
      const isNew = now < thread.startBy - startMs + statsMs // It has better things to do.
      if (thread.state === "ready" && !isNew) this.options.fork(thread.ask)
    }
  }

  /** Replaces one thread at a time that has done its number, and ends one that is too many. */
  replace(now: number): void {
    const ready = [...this.members].filter((thread) =>
      isAble(thread, now) && thread.state === "ready"
    )
    const due = [...this.members].find(({ isDue }) => isDue)
    if (due === undefined) {
      const next = ready.find(({ budget, handled }) => handled >= budget)
      if (next !== undefined) next.isDue = true
    } else if (due.state === "ready" && ready.length >= this.options.threads) {
      due.drain(now + recycleDrainMs)
      this.recycled++
    }
    if (ready.length > this.options.threads) {
      ready.find(({ inFlight }) => inFlight === 0)?.end("asked", "it was one too many")
    }
  }
}

/** Whether a thread counts among those that the pool should have. */
const isAble = (thread: Thread, now: number): boolean =>
  (thread.state === "ready" || thread.state === "starting") && !thread.isDue &&
  !thread.isSuspended(now)
