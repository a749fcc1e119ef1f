/**
 * A world of simulated processes: one clock, and every runnable task run in an order that the seed
 * decides.
 *
 * Time stands still while anything can run, then jumps to the next sleeper. A process that crashes
 * simply never runs again: no finalizer, no interruption, as when it is killed. (`TestClock` cannot
 * do that, and it waits on a live timer for every sleep.)
 */
import { Clock, Context, Duration, Effect, type Exit, Random, References, Scheduler } from "effect"
import { type SeededRandom, seededRandom } from "./SeededRandom.ts"

/** Most tasks in a row without time passing: more is a loop that never waits. */
const tasksMax = 300_000

interface Task {
  readonly priority: number
  readonly process: SimulatedProcess
  readonly run: () => void
}

interface Sleeper {
  readonly due: number
  readonly process: SimulatedProcess
  readonly run: () => void
}

/** The world. */
export class World {
  /** Unix milliseconds. */
  now = 1_700_000_000_000
  /** Tasks run so far. */
  steps = 0
  /** Called after every task. */
  onStep: () => void = () => {}
  /** Called whenever nothing can run before time passes. */
  onIdle: () => Promise<void> = () => Promise.resolve()
  readonly random: SeededRandom
  /** A fibre runs at most so many operations before others may. */
  opsMax = 64
  private readonly seed: number
  private processes = 0
  private tasks: Array<Task> = []
  private sleepers: Array<Sleeper> = []

  constructor(seed: number) {
    this.seed = seed
    this.random = seededRandom(seed, "scheduler")
  }

  /** A new process. */
  process(): SimulatedProcess {
    return new SimulatedProcess(this, seededRandom(this.seed, `process ${++this.processes}`))
  }

  /** Ends a process where it stands, once what it deferred to the end of the tick was done. */
  async kill(process: SimulatedProcess): Promise<void> {
    await endOfTick()
    process.alive = false
  }

  /** Whether nothing can run before time passes. */
  async isIdle(): Promise<boolean> {
    await endOfTick()
    return this.tasks.length === 0
  }

  /** Makes a task runnable. */
  schedule(task: Task): void {
    this.tasks.push(task)
  }

  /** Makes a task runnable at `due`; returns how to take that back. */
  scheduleAt(sleeper: Sleeper): () => void {
    let at = this.sleepers.length
    while (at > 0 && (this.sleepers[at - 1]?.due ?? 0) > sleeper.due) at--
    this.sleepers.splice(at, 0, sleeper)
    return () => {
      const index = this.sleepers.indexOf(sleeper)
      if (index >= 0) this.sleepers.splice(index, 1)
    }
  }

  /** Runs at most `count` tasks, without time passing; returns whether more could run. */
  async run(count: number): Promise<boolean> {
    for (let done = 0; done < count; done++) {
      // What was deferred to the end of the tick runs whenever the seed says so.
      if (this.tasks.length === 0 || this.random.chance(0.2)) await nextTick()
      this.wake()
      const task = this.take()
      if (task === undefined) return false
      this.steps++
      if (task.process.alive) task.run()
      this.onStep()
    }
    return true
  }

  /** Runs everything, and lets `ms` pass. */
  async advance(ms: number): Promise<void> {
    const end = this.now + ms
    for (;;) {
      if (await this.run(tasksMax)) throw new Error("something runs for ever without waiting")
      await this.onIdle()
      const [first] = this.sleepers
      if (first === undefined || first.due > end) break
      this.now = first.due
    }
    this.now = end
  }

  private wake(): void {
    while (this.sleepers[0] !== undefined && this.sleepers[0].due <= this.now) {
      const sleeper = this.sleepers.shift()
      if (sleeper?.process.alive === true) this.schedule({ ...sleeper, priority: 0 })
    }
  }

  /** A random task among those of the lowest priority number. */
  private take(): Task | undefined {
    const lowest = this.tasks.reduce((least, { priority }) => Math.min(least, priority), Infinity)
    let chosen = Math.floor(
      this.random.next() * this.tasks.filter(({ priority }) => priority === lowest).length
    )
    const at = this.tasks.findIndex(({ priority }) => priority === lowest && chosen-- === 0)
    return at < 0 ? undefined : this.tasks.splice(at, 1)[0]
  }
}

/** Lets everything run that was deferred, however often. */
const endOfTick = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve))

const nextTick = async (): Promise<void> => {
  await Promise.resolve()
  await Promise.resolve()
}

/** One process of a world: what it forks runs until the process is killed. */
export class SimulatedProcess {
  alive = true
  private readonly world: World
  private readonly context: Context.Context<never>

  constructor(world: World, random: SeededRandom) {
    this.world = world
    let budget = 32
    this.context = Context.empty().pipe(
      Context.add(Clock.Clock, clockOf(world, this)),
      Context.add(Random.Random, {
        nextDoubleUnsafe: random.next,
        nextIntUnsafe: () => Math.floor((random.next() - 0.5) * Number.MAX_SAFE_INTEGER)
      }),
      Context.add(References.MinimumLogLevel, "None"),
      Context.add(Scheduler.Scheduler, {
        executionMode: "async",
        shouldYield: (fiber) => {
          if (fiber.currentOpCount < budget) return false
          budget = 1 + Math.floor(world.random.next() * world.opsMax)
          return true
        },
        makeDispatcher: () => ({
          scheduleTask: (run, priority) => world.schedule({ priority, process: this, run }),
          flush: () => {}
        })
      })
    )
  }

  /** Runs an effect in this process; `done` hears of its end, unless the process dies before. */
  fork<A, E>(effect: Effect.Effect<A, E>, done: (exit: Exit.Exit<A, E>) => void = () => {}): void {
    const start = (): void => {
      Effect.runForkWith(this.context)(effect).addObserver(done)
    }
    this.world.schedule({ priority: 0, process: this, run: start })
  }
}

const clockOf = (world: World, process: SimulatedProcess): Clock.Clock => {
  const nanos = (): bigint => BigInt(Math.floor(world.now)) * 1_000_000n
  return {
    currentTimeMillisUnsafe: () => world.now,
    currentTimeMillis: Effect.sync(() => world.now),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration: Duration.Duration) =>
      Effect.callback((resume) => {
        const due = world.now + Duration.toMillis(duration)
        const forget = world.scheduleAt({ due, process, run: () => resume(Effect.void) })
        return Effect.sync(forget)
      })
  }
}
