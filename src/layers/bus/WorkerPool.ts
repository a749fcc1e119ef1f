/**
 * The worker pool: supervised fibres that run handlers, a bounded number per shard.
 *
 * Time limits are kept by one watchdog for all workers, which interrupts the fibre of a handler
 * that overran; a new worker takes its place. So the watchdog cannot hit the next message: the
 * fibre it interrupts never takes one. A worker that is sent away finishes its message and ends.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { nothing } from "../../domain/ExecutionContext.ts"
import * as ExecutionContext from "../../services/ExecutionContext.ts"
import type { Core } from "./Core.ts"
import { leaseBucketMs } from "./LeaseClock.ts"
import type { Pending } from "./Pending.ts"
import type { Shard } from "./Shard.ts"
import { supervise } from "./Supervision.ts"
import { finish, overran, turns, unjournalled } from "./Turns.ts"
import { Worker } from "./Worker.ts"

/** Wait of a worker that ended by a bug of the bus, so that it cannot spin. */
export const restartWaitMs = 1_000

/** How long interrupted handlers may take to clean up when the bus ends. */
export const cleanUpMs = 1_000

type Fork = (effect: Effect.Effect<void>) => Fiber.Fiber<void>

/** A pool without workers, which `stop` ends. */
export const make = (
  core: Core,
  perShard: number
): Effect.Effect<WorkerPool, never, Scope.Scope> =>
  Effect.gen(function*() {
    // Not in the scope, which would wait for ever for a handler that cannot be interrupted.
    // The bus may have been started inside an execution context, which is nobody's business here.
    // One context for all workers, so that a handler's own is merged with it once.
    const context = Context.add(
      yield* Effect.context<never>(),
      ExecutionContext.reference,
      nothing
    )
    const pool = new WorkerPool(core, perShard, Effect.runForkWith(context))
    yield* supervise(core, "watchdog", pool.watchdog)
    return pool
  })

/** All workers of a bus. */
export class WorkerPool {
  private readonly core: Core
  private readonly fork: Fork
  /** Every worker whose fibre has not ended, also those that were sent away. */
  private readonly working = new Set<Worker>()
  /** Workers of a shard that was not given a number of its own. */
  private perShard: number
  private isStopping = false

  constructor(core: Core, perShard: number, fork: Fork) {
    this.core = core
    this.perShard = perShard
    this.fork = fork
  }

  /** Gives a new shard its workers. */
  staff(shard: Shard): void {
    this.setCount(this.perShard, shard)
  }

  /** Lets every shard, also later ones, have so many workers. */
  setAll(count: number): void {
    this.perShard = count
    this.core.shards.forEach((shard) => this.setCount(count, shard))
  }

  /** Lets one shard have so many workers. */
  setCount(count: number, shard: Shard): void {
    if (this.isStopping) return
    // One that was sent away and still runs is called back before a new one is made: no more than
    // `count` handlers of a shard run at once.
    for (const worker of this.working) {
      if (shard.workers.length >= count) break
      if (worker.shard !== shard || !worker.stopping || worker.isReplaced) continue
      worker.stopping = false
      shard.workers.push(worker)
    }
    while (shard.workers.length < count) {
      const worker = new Worker(shard)
      shard.workers.push(worker)
      this.launch(worker, 0)
    }
    this.sendAway(shard, shard.workers.length - count)
  }

  /** Sends all workers of a shard away; returns the fibres that end. */
  retire(shard: Shard): ReadonlyArray<Fiber.Fiber<void>> {
    this.sendAway(shard, shard.workers.length)
    return [...this.working].flatMap((worker) =>
      worker.shard !== shard || worker.fiber === undefined ? [] : [worker.fiber]
    )
  }

  /** Sends all workers of a shard away for good, and gives it as many new ones. */
  restaff(shard: Shard): void {
    const count = shard.workers.length
    for (const worker of this.working) if (worker.shard === shard) worker.isReplaced = true
    this.sendAway(shard, count)
    this.setCount(count, shard)
  }

  private sendAway(shard: Shard, count: number): void {
    if (count <= 0) return
    // Those that run nothing go first.
    const busy = [...shard.workers].toSorted((a, b) =>
      Number(a.current !== undefined) - Number(b.current !== undefined)
    )
    const leaving = new Set(busy.slice(0, count))
    leaving.forEach((worker) => worker.stopping = true)
    shard.workers.splice(0, Infinity, ...shard.workers.filter((worker) => !leaving.has(worker)))
    shard.wakeAll()
  }

  private launch(worker: Worker, afterMs: number): void {
    const loop = turns(this.core, worker)
    this.working.add(worker)
    const fiber = this.fork(
      afterMs === 0 ? loop : Effect.andThen(Effect.sleep(afterMs), loop)
    )
    worker.fiber = fiber
    fiber.addObserver((exit) => this.ended(worker, exit))
  }

  private ended(worker: Worker, exit: Exit.Exit<void>): void {
    const { core } = this
    const lost = worker.timedOut ? overran(worker) : exit
    if (worker.timedOut || !worker.stopping) {
      finish(core, worker, Exit.isSuccess(lost) ? Exit.die("its worker ended") : lost)
    } else finish(core, worker, unjournalled) // Interrupted by the end of the bus: not its fault.
    if (worker.stopping) {
      this.working.delete(worker)
      return
    }
    worker.shard.workerRestarts++
    this.launch(worker, worker.timedOut ? 0 : restartWaitMs)
    worker.timedOut = false
  }

  /** Interrupts handlers that overran, a quarter second late at most. */
  get watchdog(): Effect.Effect<never> {
    return Effect.forever(Effect.andThen(
      Effect.sleep(leaseBucketMs),
      Effect.sync(() => {
        const now = this.core.now()
        for (const worker of this.working) {
          if (worker.deadline > now || worker.timedOut) continue
          worker.timedOut = true
          worker.fiber?.interruptUnsafe()
        }
        for (const member of this.core.tails.members) member.look(now)
      })
    ))
  }

  /** Interrupts the handlers of what another process has now; their outcomes count for nothing. */
  interrupt(isGone: (delivery: Pending) => boolean): void {
    for (const worker of this.working) {
      if (worker.current === undefined || worker.timedOut || !isGone(worker.current)) continue
      worker.timedOut = true
      worker.fiber?.interruptUnsafe()
    }
  }

  /**
   * Lets no worker take another message and waits for the running handlers; those still running
   * after `drainMs` are interrupted and their deliveries stay unsettled.
   */
  stop(drainMs: number): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      this.isStopping = true
      this.working.forEach((worker) => worker.stopping = true)
      this.core.shards.forEach((shard) => shard.wakeAll())
      const fibers = [...this.working].flatMap(({ fiber }) => fiber === undefined ? [] : [fiber])
      const drained = yield* Effect.timeoutOption(Fiber.awaitAll(fibers), drainMs)
      if (Option.isNone(drained)) {
        const ended = yield* Effect.timeoutOption(Fiber.interruptAll(fibers), cleanUpMs)
        const left = this.working.size
        if (Option.isNone(ended)) yield* Effect.logError(`${left} handlers cannot be interrupted`)
      }
    })
  }
}
