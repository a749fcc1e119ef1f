/**
 * A store in memory that crashes, fails and takes its time as told: the third home of the log.
 *
 * The disk outlives the stores opened on it. A transaction becomes durable at a random moment of
 * its delay, so that a crash before its reply finds it stored or not, but never in part. Hand-outs
 * noted in the journal survive a killed process; a power cut may lose the last of them.
 */
import { Effect, Layer, Random } from "effect"
import { mergeAttempts } from "../../src/layers/log/AttemptsMerge.ts"
import { BlockHeader } from "../../src/layers/log/BlockCodec.ts"
import { isIntact, seal } from "../../src/layers/log/BlockLayout.ts"
import { page } from "../../src/layers/log/DeadLetterPage.ts"
import {
  type AttemptsJournal,
  LogStore,
  type Transaction,
  type Truncation
} from "../../src/layers/log/LogStore.ts"
import { LogUnavailable, type LogUnopened, type Take } from "../../src/services/MessageLog.ts"
import { simulatedDelays } from "./SimulatedDelays.ts"
import { applyChanges, applyTruncation, empty, recoveredBeside, sizeOf } from "./SyncedState.ts"

/** What goes wrong, and how long things take (milliseconds of Effect's clock). */
export interface Faults {
  readonly delayMsMax: number
  /** Share of transactions that fail, 0 to 1. */
  readonly failing: number
}

/** Nothing goes wrong, and nothing takes time. */
export const noFaults: Faults = { delayMsMax: 0, failing: 0 }

/** A disk. Its fields are the disk's contents and what tests count. */
export class SimulatedDisk {
  faults: Faults
  /** Injected failures so far, by reason: a simulation in which none happened tested nothing. */
  readonly failures = { Full: 0, Io: 0 }
  /** Transactions that were stored, and blocks that were read. */
  readonly transactions: Array<{ readonly entries: number; readonly changes: number }> = []
  blocksRead = 0
  blocksDeleted = 0
  private synced = empty
  private notes: Array<Take> = []
  private covering = false
  private forced: Array<LogUnavailable["reason"]> = []
  /** Stores opened before a crash belong to a dead process: what they still do has no effect. */
  private process = 0

  constructor(faults: Faults = noFaults) {
    this.faults = faults
  }

  /** A store on this disk. */
  get layer(): Layer.Layer<LogStore, LogUnopened> {
    return Layer.effect(LogStore, Effect.suspend(() => this.open(++this.process)))
  }

  /** The next transaction fails. */
  failNext(reason: "Full" | "Io"): void {
    this.forced.push(reason)
  }

  /**
   * Ends the process that has the log; a power cut also loses what was not synced. Close its layer
   * afterwards: replies it still gets mean nothing.
   */
  crash(kind: "Killed" | "PowerCut"): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      this.process++
      this.covering = false
      if (kind === "PowerCut") {
        this.notes.length = yield* Random.nextIntBetween(0, this.notes.length)
      }
    })
  }

  /** Changes one byte of the bodies of a stored block. */
  flipByte(seq: number): void {
    const bodies = this.synced.blocks.get(seq)?.bodies
    if (bodies !== undefined) bodies[bodies.length - 1] = (bodies.at(-1) ?? 0) ^ 1
  }

  private open(process: number) {
    return Effect.gen({ self: this }, function*() {
      const { clean, cursors, letters, next, ownRows, subscriptions } = this.synced
      const stored = {
        subscriptions: [...subscriptions.values()],
        cursors: [...cursors.values()],
        ownRows: [...ownRows.values()]
      }
      const merged = mergeAttempts(stored, this.notes)
      const changed = applyChanges(this.synced, { ...merged })
      this.synced = { ...changed, epoch: this.synced.epoch + 1, clean: false }
      this.notes = []
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          if (process === this.process) this.synced = { ...this.synced, clean: true }
        })
      )
      const counts = Map.groupBy(letters.values(), ({ incarnation }) => incarnation)
      return LogStore.of({
        durability: "local",
        recovered: {
          epoch: this.synced.epoch,
          clean,
          subscriptions: stored.subscriptions,
          nextIncarnation: next.incarnation,
          nextDeadLetter: next.letter,
          nextOwnRow: next.row,
          cursors: [...this.synced.cursors.values()],
          ownRows: [...this.synced.ownRows.values()],
          deadLetterCounts: new Map([...counts].map(([key, { length }]) => [key, length])),
          damaged: [],
          sizeBytes: sizeOf(this.synced),
          ...recoveredBeside(this.synced)
        },
        ...simulatedDelays(this.delay, () => this.synced),
        truncate: (truncation) => this.truncate(process, truncation),
        transact: (transaction) => this.transact(process, transaction),
        headers: (after) => Effect.sync(() => this.headers(after)),
        readBlocks: (seqs) =>
          Effect.andThen(
            this.delay,
            Effect.sync(() => {
              const blocks = seqs.slice(0, 4).flatMap((seq) => this.synced.blocks.get(seq) ?? [])
              this.blocksRead += blocks.length
              return { blocks, count: Math.min(4, seqs.length) }
            })
          ),
        deadLetters: (filter, after, limit) =>
          Effect.andThen(
            this.delay,
            Effect.sync(() => {
              const ascending = [...this.synced.letters.values()].toSorted((a, b) => a.id - b.id)
              return page(ascending, filter, after, limit)
            })
          ),
        journal: this.journal(process)
      })
    })
  }

  private get delay(): Effect.Effect<void> {
    return this.faults.delayMsMax === 0
      ? Effect.void
      : Effect.flatMap(
        Random.nextIntBetween(0, this.faults.delayMsMax + 1),
        (ms) => Effect.sleep(ms)
      )
  }

  private get mayFail(): Effect.Effect<void, LogUnavailable> {
    return Effect.flatMap(Random.next, (share) => {
      const reason = this.forced.shift() ?? (share < this.faults.failing ? "Full" : undefined)
      if (reason !== "Full" && reason !== "Io") return Effect.void
      this.failures[reason]++
      return Effect.fail(new LogUnavailable({ reason, detail: "simulated" }))
    })
  }

  private transact(process: number, { block, changes, seq }: Transaction) {
    return Effect.gen({ self: this }, function*() {
      yield* this.delay
      yield* this.mayFail
      if (block !== undefined) seal(block.header, block.bodies)
      if (process === this.process) {
        const blocks = new Map(this.synced.blocks)
        if (block !== undefined) blocks.set(seq, block)
        this.synced = { ...changes.reduce(applyChanges, this.synced), blocks }
        const entries = block === undefined ? 0 : new BlockHeader(block.header).entries
        this.transactions.push({ entries, changes: changes.length })
      }
      yield* this.delay // Stored, but nobody knows yet.
      if (process !== this.process) return yield* ended
      return { block, sizeBytes: sizeOf(this.synced) }
    })
  }

  private truncate(process: number, truncation: Truncation) {
    return Effect.gen({ self: this }, function*() {
      yield* this.delay
      yield* this.mayFail
      if (process === this.process) {
        const before = this.synced.blocks.size
        this.synced = applyTruncation(this.synced, truncation)
        this.blocksDeleted += before - this.synced.blocks.size
      }
      yield* this.delay // Deleted, but nobody knows yet.
      if (process !== this.process) return yield* ended
      return { sizeBytes: sizeOf(this.synced) }
    })
  }

  private headers(after: number) {
    const above = [...this.synced.blocks.values()].filter(({ seq }) => seq > after).slice(0, 16)
    return {
      headers: above.filter(({ header }) => isIntact(header)),
      damaged: above.filter(({ header }) => !isIntact(header)).map(({ seq }) => `block ${seq}`),
      next: above.length < 16 ? undefined : above.at(-1)?.seq
    }
  }

  private journal(process: number): AttemptsJournal {
    return {
      note: (takes) =>
        Effect.sync(() => {
          if (process === this.process) this.notes.push(...takes)
        }),
      checkpoint: () => {
        if (this.covering) return undefined
        const covered = this.notes.length
        this.covering = true
        return (outcome) => {
          this.covering = false
          if (outcome === "Committed" && process === this.process) this.notes.splice(0, covered)
        }
      }
    }
  }
}

/** What a dead process is told, so that its scope can be closed; nobody may rely on it. */
const ended = new LogUnavailable({ reason: "Io", detail: "the simulated process ended" })
