/**
 * The keeper: takes over the partitions that this pod is to have, and gives back those it is not.
 *
 * Partitions come and go by the dozen when pods come and go, so what is asked for at about the same
 * time is done in one go. A take-over that fails, because the database is away, is tried again for
 * as long as the partition is wanted.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { LogPartitions } from "../../services/LogPartitions.ts"
import type { Tenure } from "../../services/Tenure.ts"
import { type PodCounts, podCounts } from "../observe/PodCounts.ts"

/** How long others that are asked for may join. */
const joinTime = Duration.millis(20)

/** Wait after a take-over that failed. */
const retryAfter = Duration.millis(300)

/** How long the store may take for the last progress of what is given back. */
const prepareTimeout = Duration.millis(2_500)

/** What this pod has. */
export interface Keeper {
  /** Has a partition until it is interrupted; the interruption ends once it is given back. */
  readonly own: (partition: number) => Effect.Effect<never>
  /** Gives back all in one go, for who leaves; from then on nothing is taken over. */
  readonly leave: Effect.Effect<void>
  /** When a partition was taken over (Unix milliseconds). */
  readonly takenAt: (partition: number) => number
}

/** The keeper of a bus over its log; it works until the scope closes. */
export const make = (
  partitions: LogPartitions["Service"],
  tenure: Tenure["Service"],
  now: () => number
): Effect.Effect<Keeper, never, Scope.Scope> =>
  Effect.gen(function*() {
    const work = new Work(partitions, tenure, yield* podCounts, now)
    yield* Effect.forkScoped(Effect.forever(work.next))
    return {
      own: (partition) => work.own(partition),
      leave: work.leave,
      takenAt: (partition) => work.takenAt(partition)
    }
  })

/** What is to be done next. Mutable: partitions are asked for and let go at any time. */
class Work {
  private readonly taking = new Set<number>()
  private readonly leaving = new Map<number, Deferred.Deferred<void>>()
  private readonly held = new Set<number>()
  /** Being taken over now. */
  private coming: ReadonlyArray<number> = []
  private hasLeft = false
  private readonly times = new Map<number, number>()
  private readonly asked = Latch.makeUnsafe(false)
  private readonly partitions: LogPartitions["Service"]
  private readonly tenure: Tenure["Service"]
  private readonly counts: PodCounts
  private readonly now: () => number

  constructor(
    partitions: LogPartitions["Service"],
    tenure: Tenure["Service"],
    counts: PodCounts,
    now: () => number
  ) {
    this.counts = counts
    this.partitions = partitions
    this.tenure = tenure
    this.now = now
  }

  takenAt(partition: number): number {
    return this.times.get(partition) ?? 0
  }

  own(partition: number): Effect.Effect<never> {
    const begun = Effect.suspend(() => {
      if (!this.hasLeft) this.taking.add(partition)
      this.asked.openUnsafe()
      return Effect.never
    })
    return Effect.ensuring(begun, Effect.suspend(() => this.end(partition)))
  }

  private end(partition: number): Effect.Effect<void> {
    this.taking.delete(partition)
    if (!this.held.has(partition) && !this.coming.includes(partition)) return Effect.void
    const done = this.leaving.get(partition) ?? Deferred.makeUnsafe<void>()
    this.leaving.set(partition, done)
    this.asked.openUnsafe()
    return Deferred.await(done)
  }

  get leave(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.hasLeft = true
      this.taking.clear()
      const all = [...this.held, ...this.coming].map((partition) => this.end(partition))
      return Effect.all(all, { concurrency: "unbounded", discard: true })
    })
  }

  /** All that is asked for by now. */
  get next(): Effect.Effect<void> {
    return Effect.andThen(
      this.asked.await,
      Effect.uninterruptible(Effect.gen({ self: this }, function*() {
        yield* Effect.sleep(joinTime)
        this.asked.closeUnsafe()
        yield* this.giveBack
        const wanted = [...this.taking]
        this.taking.clear()
        this.coming = wanted
        if (wanted.length > 0) {
          yield* Effect.catch(this.take(wanted), (why) => this.later(wanted, why))
        }
      }))
    )
  }

  private take(wanted: ReadonlyArray<number>) {
    return Effect.gen({ self: this }, function*() {
      const { open, parts, subscriptions } = yield* this.partitions.take(wanted)
      yield* this.tenure.welcome(subscriptions)
      open() // In one step with what follows.
      this.tenure.begin(parts)
      for (const partition of wanted) {
        this.held.add(partition)
        this.times.set(partition, this.now())
      }
      this.coming = []
      this.counts.taken += wanted.length
      this.counts.owned = this.held.size
      yield* Effect.logInfo(`took over ${wanted.length} partitions, ${this.held.size} now`)
    })
  }

  private later(wanted: ReadonlyArray<number>, { message }: { readonly message: string }) {
    return Effect.gen({ self: this }, function*() {
      yield* Effect.logWarning(`partitions cannot be taken over yet: ${message}`)
      yield* Effect.sleep(retryAfter)
      for (const partition of wanted) {
        if (!this.leaving.has(partition) && !this.hasLeft) this.taking.add(partition)
      }
      this.coming = []
      this.asked.openUnsafe()
    })
  }

  private get giveBack(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const leaving = [...this.leaving]
      this.leaving.clear()
      const gone = leaving.map(([partition]) => partition)
        .filter((partition) => this.held.has(partition))
      if (gone.length > 0) {
        yield* this.tenure.prepare(gone).pipe(Effect.timeoutOption(prepareTimeout), Effect.ignore)
        yield* this.partitions.giveBack(gone)
        this.tenure.end(gone)
        gone.forEach((partition) => this.held.delete(partition))
        this.counts.given += gone.length
        this.counts.owned = this.held.size
        yield* Effect.logInfo(`gave back ${gone.length} partitions, ${this.held.size} left`)
      }
      leaving.forEach(([, done]) => Deferred.doneUnsafe(done, Effect.void))
    })
  }
}
