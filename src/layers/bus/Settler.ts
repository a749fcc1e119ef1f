/**
 * The settler: brings settlements to the log in batches.
 *
 * What settles within 100 ms shares a commit; who waits for one (an ack over HTTP) has it made at
 * the end of the tick. A dead letter and the progress that passes its message go into the same
 * commit, so neither exists without the other. A commit that fails is made again with what came
 * since; until then a restart would repeat those deliveries, and nothing is lost.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Semaphore from "effect/Semaphore"
import type { DeadLetter } from "../../domain/DeadLetter.ts"
import { partitionOfNumber } from "../../domain/Position.ts"
import {
  type Changes,
  type Cursor,
  LogUnavailable,
  type MessageLog,
  type OwnRow
} from "../../services/MessageLog.ts"
import type { Consumer } from "./Consumer.ts"
import { type Pending, state } from "./Pending.ts"
import type { Track } from "./Track.ts"

/** Longest time between an ack in process and its commit. Source: design, "Progress". */
export const flushEveryMs = 100

/** Wait after a commit that failed. */
export const flushRetryMs = 1_000

/** Uncommitted dead letters at which workers stop taking more. */
export const unsettledMax = 10_000

interface Batch {
  readonly tracks: ReadonlyArray<readonly [Consumer, Track]>
  readonly ownRows: ReadonlyArray<Pending>
  readonly ownRowsRemoved: ReadonlyArray<number>
  readonly deadLetters: ReadonlyArray<DeadLetter>
  readonly waiters: ReadonlyArray<(exit: Exit.Exit<void, LogUnavailable>) => void>
  /** Something of it belongs to a partition that another process has now, and is left to that. */
  readonly isPartial: boolean
}

/** Settlements that are not committed yet. */
export class Settler {
  private readonly log: typeof MessageLog.Service
  private readonly consumers: ReadonlyMap<string, Consumer>
  /** Keeps the progress of a track short, by moving deliveries to rows of their own. */
  private readonly shorten: (track: Track) => void
  private tracks: Array<readonly [Consumer, Track]> = []
  private ownRows = new Set<Pending>()
  private ownRowsRemoved: Array<number> = []
  private deadLetters: Array<DeadLetter> = []
  private waiters: Array<(exit: Exit.Exit<void, LogUnavailable>) => void> = []
  private readonly work = Latch.makeUnsafe(false)
  private readonly urgent = Latch.makeUnsafe(false)
  /** A commit with dead letters is under way. */
  private isStoringLetters = false
  /** Commits that failed and were made again. */
  retries = 0
  /** Why the last commit failed, until one succeeds. */
  failure: LogUnavailable | undefined = undefined

  /**
   * One commit at a time: what deletes a subscription takes its turn here, so that nothing of it is
   * stored behind its deletion.
   */
  readonly turn = Semaphore.makeUnsafe(1)

  constructor(
    log: typeof MessageLog.Service,
    consumers: ReadonlyMap<string, Consumer>,
    shorten: (track: Track) => void = () => {}
  ) {
    this.log = log
    this.consumers = consumers
    this.shorten = shorten
  }

  /** Whether so much waits for a log that fails that nothing more should be started. */
  get stalled(): boolean {
    return this.deadLetters.length >= unsettledMax
  }

  /** Waits until every dead letter so far can be read from the log. */
  get deadLettersStored(): Effect.Effect<void, LogUnavailable> {
    return Effect.suspend(() =>
      this.deadLetters.length === 0 && !this.isStoringLetters ? Effect.void : this.settled
    )
  }

  /** The progress of a track changed. A log that forgets settled messages stores none. */
  touch(consumer: Consumer, track: Track): void {
    if (track.dirty || !this.log.retainsSettled) return
    track.dirty = true
    this.tracks.push([consumer, track])
    this.work.openUnsafe()
  }

  /** The attempts of an own row changed. */
  touchOwnRow(delivery: Pending): void {
    if (!this.log.retainsSettled) return
    this.ownRows.add(delivery)
    this.work.openUnsafe()
  }

  /** An own row ended. */
  removeOwnRow(id: number): void {
    this.ownRowsRemoved.push(id)
    this.work.openUnsafe()
  }

  /** A delivery became a dead letter. */
  addDeadLetter(letter: DeadLetter): void {
    this.deadLetters.push(letter)
    this.work.openUnsafe()
    if (!this.log.retainsSettled) this.urgent.openUnsafe()
  }

  /** Waits until everything settled so far is committed. */
  readonly settled: Effect.Effect<void, LogUnavailable> = Effect.callback((resume) => {
    this.waiters.push(resume)
    this.urgent.openUnsafe()
    this.work.openUnsafe()
  })

  /** Calls back once everything settled so far is committed, however often that fails. */
  whenStored(callBack: () => void): void {
    this.waiters.push((exit) => Exit.isSuccess(exit) ? callBack() : this.whenStored(callBack))
    this.urgent.openUnsafe()
    this.work.openUnsafe()
  }

  /** Commits for ever: after 100 ms, or at once when somebody waits. */
  readonly run: Effect.Effect<never> = Effect.forever(
    this.work.await.pipe(
      Effect.andThen(Effect.raceFirst(this.urgent.await, Effect.sleep(flushEveryMs))),
      Effect.andThen(Effect.suspend(() => this.flush))
    )
  )

  /** One commit of everything so far. */
  get flush(): Effect.Effect<void> {
    return Effect.uninterruptible(this.turn.withPermit(Effect.suspend(() => {
      const batch = this.takeBatch()
      this.isStoringLetters = batch.deadLetters.length > 0
      return Effect.flatMap(Effect.exit(this.log.commit(changesOf(batch))), (exit) => {
        this.isStoringLetters = false
        const answer = batch.isPartial && Exit.isSuccess(exit) ? takenOver : exit
        batch.waiters.forEach((resume) => resume(answer))
        if (Exit.isSuccess(exit)) return Effect.sync(() => this.failure = undefined)
        return Effect.andThen(
          Effect.logWarning("settlements could not be stored; trying again", exit.cause),
          Effect.suspend(() => this.restore(batch, exit))
        )
      })
    })))
  }

  private takeBatch(): Batch {
    // One that is being replaced counts until the next one has taken over what it did.
    const isCurrent = (consumer: Consumer): boolean =>
      this.consumers.get(consumer.subscription.name) === consumer
    // Of a partition that another process has now, that one knows the progress.
    const isOwn = ([consumer, track]: readonly [Consumer, Track]): boolean =>
      consumer.tracks[track.logLane] === track
    for (const one of this.tracks) if (isCurrent(one[0]) && isOwn(one)) this.shorten(one[1])
    this.work.closeUnsafe()
    this.urgent.closeUnsafe()
    const { deadLetters, ownRows, ownRowsRemoved, tracks, waiters } = this
    this.tracks = []
    this.ownRows = new Set()
    this.ownRowsRemoved = []
    this.deadLetters = []
    this.waiters = []
    const exists = (incarnation: number): boolean =>
      [...this.consumers.values()].some(({ subscription }) =>
        subscription.incarnation === incarnation
      )
    const owns = ({ id }: { readonly id: number }): boolean => this.log.owns(partitionOfNumber(id))
    const left = {
      tracks: tracks.filter(isOwn),
      ownRowsRemoved: ownRowsRemoved.filter((id) => owns({ id })),
      deadLetters: deadLetters.filter(owns)
    }
    return {
      tracks: left.tracks.filter(([consumer]) => isCurrent(consumer)),
      ownRows: [...ownRows].filter((row) => isCurrent(row.consumer) && row.state !== state.settled),
      ownRowsRemoved: left.ownRowsRemoved,
      deadLetters: left.deadLetters.filter(({ incarnation }) => exists(incarnation)),
      waiters,
      isPartial: left.tracks.length < tracks.length ||
        left.ownRowsRemoved.length < ownRowsRemoved.length ||
        left.deadLetters.length < deadLetters.length
    }
  }

  private restore(batch: Batch, exit: Exit.Failure<void, LogUnavailable>): Effect.Effect<void> {
    this.retries++
    this.failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")?.error
    batch.tracks.forEach(([consumer, track]) => this.touch(consumer, track))
    batch.ownRows.forEach((delivery) => this.ownRows.add(delivery))
    this.ownRowsRemoved = [...batch.ownRowsRemoved, ...this.ownRowsRemoved]
    this.deadLetters = [...batch.deadLetters, ...this.deadLetters]
    this.work.openUnsafe()
    return Effect.sleep(flushRetryMs)
  }
}

const takenOver = Exit.fail(
  new LogUnavailable({
    reason: "Fenced",
    detail: "another process has taken over what this belongs to; it may be delivered again"
  })
)

/** What a batch means for the log. It carries the attempts of all takes before it. */
const changesOf = (batch: Batch): Changes => ({
  checkpoint: true,
  cursors: batch.tracks.map(([consumer, track]): Cursor => {
    track.dirty = false
    return track.cursor(consumer.subscription.incarnation)
  }),
  ownRows: batch.ownRows.map(ownRowOf),
  ownRowsRemoved: batch.ownRowsRemoved,
  deadLetters: batch.deadLetters
})

/** The row of a delivery that has one of its own. */
export const ownRowOf = (
  { attempts, consumer, dueAt, entry, ownRow, parked }: Pending
): OwnRow => ({
  id: ownRow,
  incarnation: consumer.subscription.incarnation,
  logLane: entry.logLane,
  after: entry.offset,
  message: entry.message,
  attempts,
  dueAt,
  parked
})
