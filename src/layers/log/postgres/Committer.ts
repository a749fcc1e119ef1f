/**
 * The committer: one batch for what all partitions commit in a tick, and the truth about what
 * became of it.
 *
 * A commit whose answer was lost is neither failed nor stored until the database says which: it is
 * sent again until then, which its version makes harmless. Whoever waits for it waits so long,
 * because an answer that may be wrong is worse than a late one. What was never sent fails after a
 * few tries, so that publishers learn at once that the log takes nothing.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Querying } from "../../drivers/postgres/Database.ts"
import { DatabaseFailed } from "../../drivers/postgres/Failure.ts"
import { int4s } from "../../drivers/postgres/Parameters.ts"
import type { Commit } from "./CommitParts.ts"
import { schemaName } from "./Schema.ts"
import type { Storing } from "./Storing.ts"

/** What became of a commit: `Fenced` means that another owner has the partition now. */
export type Committed = "Stored" | "Fenced"

/** Commits, each partition one at a time. */
export interface Committer {
  readonly commit: (commit: Commit) => Effect.Effect<Committed, DatabaseFailed>
  /** From now on nothing is tried again: the process ends. */
  readonly giveUp: Effect.Effect<void>
}

/** How often and how soon a statement that was not sent is tried again. */
export interface Retrying {
  readonly attempts: number
  readonly delay: Duration.Duration
}

/** Bytes of blocks in one batch, unless a single one is larger. */
const batchBytesMax = 8 * 1_048_576

/** Longest wait between two tries to learn what became of a commit. */
const resolveDelayMax = Duration.seconds(1)

/** A commit that waits. */
interface Request {
  readonly commit: Commit
  readonly answer: (exit: Effect.Effect<Committed, DatabaseFailed>) => void
  tries: number
  /** An answer to it was lost. */
  isUnknown: boolean
}

/** Starts the committer; it ends with the scope. */
export const make = (
  database: Querying,
  storing: Storing,
  retrying: Retrying
): Effect.Effect<Committer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const queue = new CommitQueue(database, storing, retrying)
    yield* Effect.forkScoped(Effect.forever(queue.next, { disableYield: true }))
    return {
      commit: queue.commit,
      giveUp: Effect.sync(() => {
        queue.isEnding = true
      })
    }
  })

/** The commits that wait, and those under way. Mutable on purpose: one entry for each commit. */
class CommitQueue {
  /** Nothing is tried again. */
  isEnding = false
  private waiting: Array<Request> = []
  private readonly work = Latch.makeUnsafe(false)
  private readonly slots: Semaphore.Semaphore
  private readonly database: Querying
  private readonly storing: Storing
  private readonly retrying: Retrying

  constructor(database: Querying, storing: Storing, retrying: Retrying) {
    this.database = database
    this.storing = storing
    this.retrying = retrying
    this.slots = Semaphore.makeUnsafe(storing.batchesMax)
  }

  readonly commit: Committer["commit"] = (commit) =>
    Effect.callback((resume) => this.add({ commit, answer: resume, tries: 0, isUnknown: false }))

  /** Sends the next batch, as soon as there is one and not too many are under way. */
  readonly next: Effect.Effect<void> = Effect.gen({ self: this }, function*() {
    yield* this.work.await
    yield* this.slots.take(1)
    const batch = this.waiting.splice(0, batchLength(this.waiting, this.storing))
    if (this.waiting.length === 0) this.work.closeUnsafe()
    yield* Effect.forkChild(Effect.ensuring(this.send(batch), this.slots.release(1)))
  })

  private add(request: Request): void {
    this.waiting.push(request)
    this.work.openUnsafe()
  }

  private send(requests: ReadonlyArray<Request>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      for (const request of requests) request.tries++
      const commits = requests.map(({ commit }) => commit)
      const result = yield* Effect.result(this.storing.store(commits))
      if (Result.isFailure(result)) return yield* this.failed(requests, result.failure)
      const isStored = ({ commit }: Request) => result.success.has(commit.partition)
      answerAll(requests.filter(isStored), Effect.succeed("Stored"))
      const rest = requests.filter((request) => !isStored(request))
      if (rest.length > 0) yield* this.resolve(rest)
    })
  }

  private failed(
    requests: ReadonlyArray<Request>,
    failure: DatabaseFailed
  ): Effect.Effect<void> {
    if (failure.reason === "Unknown") { for (const request of requests) request.isUnknown = true }
    if (failure.isRetryable) return this.again(requests, failure)
    // One may have spoilt it for all: alone, each gets what is its own.
    return requests.length > 1
      ? Effect.forEach(requests, (one) => this.send([one]), { discard: true })
      : Effect.sync(() => answerAll(requests, Effect.fail(failure)))
  }

  private again(requests: ReadonlyArray<Request>, failure: DatabaseFailed): Effect.Effect<void> {
    return Effect.suspend(() => {
      const isOver = (request: Request) =>
        this.isEnding || (!request.isUnknown && request.tries > this.retrying.attempts)
      answerAll(requests.filter(isOver), Effect.fail(failure))
      const left = requests.filter((request) => !isOver(request))
      if (left.length === 0) return Effect.void
      const waited = Effect.sleep(Duration.min(this.retrying.delay, resolveDelayMax))
      return Effect.map(waited, () => left.forEach((request) => this.add(request)))
    })
  }

  /** What the database says about commits that a batch did not store. */
  private resolve(requests: ReadonlyArray<Request>): Effect.Effect<void> {
    const partitions = int4s(requests.map(({ commit }) => commit.partition))
    const found = this.database.query("log.resolve", resolveSql, [partitions])
    return Effect.matchEffect(found, {
      onFailure: (failure) => this.again(requests, failure),
      onSuccess: (rows) =>
        Effect.sync(() => {
          const known = new Map(rows.map(([partition, epoch, version]) => [
            Number(partition),
            { epoch: Number(epoch), version: Number(version) }
          ]))
          for (const request of requests) {
            request.answer(fateOf(request, known.get(request.commit.partition)))
          }
        })
    })
  }
}

const answerAll = (
  requests: ReadonlyArray<Request>,
  answer: Effect.Effect<Committed, DatabaseFailed>
): void => {
  for (const request of requests) request.answer(answer)
}

/** What became of a commit that the batch did not store, by what its partition's row says. */
const fateOf = (
  { commit, isUnknown }: Request,
  now: { readonly epoch: number; readonly version: number } | undefined
): Effect.Effect<Committed, DatabaseFailed> =>
  now?.epoch !== commit.epoch
    ? Effect.succeed("Fenced")
    : isUnknown && now.version === commit.version + 1
    ? Effect.succeed("Stored")
    : Effect.fail(moved(commit))

const resolveSql =
  `SELECT partition, epoch, version FROM ${schemaName}.partitions WHERE partition = ANY($1)`

/** A version that moved without this writer, under its own epoch: somebody changed the table. */
const moved = ({ partition, version }: Commit): DatabaseFailed =>
  new DatabaseFailed({
    reason: "Refused",
    statement: "log.commit",
    detail: `partition ${partition} is not at version ${version} any more`
  })

/** How many of the waiting commits go into the next batch: at least one. */
const batchLength = (waiting: ReadonlyArray<Request>, { commitsMax }: Storing): number => {
  const most = Math.min(waiting.length, commitsMax)
  let bytes = 0 // A running sum (hot path).
  for (let at = 0; at < most; at++) {
    const block = waiting[at]?.commit.block
    bytes += block === undefined ? 0 : block.header.byteLength + block.bodies.byteLength
    if (at > 0 && bytes > batchBytesMax) return at
  }
  return most
}
