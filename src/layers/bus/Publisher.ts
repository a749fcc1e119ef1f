/**
 * The publisher: every refusal first, then one write, then the hand-over to the router.
 *
 * The log answers an append by a call at the commit, in commit order; routing happens inside it. A
 * publisher that gives up waiting changes nothing about that.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Draft } from "../../domain/Message.ts"
import type { MessageId } from "../../domain/MessageId.ts"
import type { Accepted, PublishError } from "../../services/MessageBus.ts"
import type { Delayed, LogEntry, LogUnavailable } from "../../services/MessageLog.ts"
import type { Core } from "./Core.ts"
import { delayedOf, waits } from "./Delays.ts"
import {
  type Appended,
  duplicateOf,
  inFlight,
  prepare,
  type Prepared,
  type Preparing
} from "./Preparation.ts"
import { route, type StartReader } from "./Router.ts"

/**
 * Messages after which a publisher lets others run. Measured: without it a loop of publishes fills
 * the queues before a worker starts, and garbage collection takes 40 % of the time instead of 5.
 */
export const burstMax = 256

/** The two ways to publish. They begin when they are called, so call them inside an effect. */
export interface Publisher {
  readonly publish: (draft: Draft) => Effect.Effect<Accepted, PublishError>
  readonly publishMany: (
    drafts: ReadonlyArray<Draft>
  ) => Effect.Effect<ReadonlyArray<Result.Result<Accepted, PublishError>>>
}

/** The publisher of a bus. `nextId` makes message ids. */
export const make = (
  core: Core,
  startReader: StartReader,
  nextId: (now: number, partition: number) => MessageId
): Publisher => {
  const publishing: Publishing = { core, nextId, startReader }
  return {
    publish: (draft) => publishOne(publishing, draft),
    publishMany: (drafts) => publishAll(publishing, drafts)
  }
}

interface Publishing extends Preparing {
  readonly startReader: StartReader
}

const publishOne = (
  publishing: Publishing,
  draft: Draft
): Effect.Effect<Accepted, PublishError> => {
  const { core } = publishing
  const prepared = prepare(publishing, draft, core.now())
  switch (prepared._tag) {
    case "Append":
      return append(
        publishing,
        [prepared],
        (failure) =>
          failure === undefined
            ? Effect.succeed(acceptedOf(core, prepared))
            : Effect.fail(failure)
      )
    case "Answer":
      return Effect.fromResult(prepared.result)
    case "Repeat":
      return Effect.fromResult(inFlight(core, draft))
  }
}

const publishAll = (
  publishing: Publishing,
  drafts: ReadonlyArray<Draft>
): Effect.Effect<ReadonlyArray<Result.Result<Accepted, PublishError>>> => {
  const now = publishing.core.now()
  const prepared = drafts.map((draft) => prepare(publishing, draft, now))
  const appended = prepared.filter((item) => item._tag === "Append")
  const firsts = firstsOf(prepared, appended)
  const results = (failureOf: FailureOf) =>
    Effect.succeed(prepared.map((item, at) => {
      const draft = drafts[at]
      if (draft === undefined) throw new Error("a result without a draft") // A bug.
      return resultOf(publishing.core, item, draft, firsts, failureOf)
    }))
  if (appended.length === 0) return results(() => undefined)
  return publishing.core.log.isPartitioned
    ? Effect.flatMap(appendApart(publishing, appended), results)
    : append(publishing, appended, (failure) => results(() => failure))
}

/** Why the log did not take a message, if so. */
type FailureOf = (item: Appended) => LogUnavailable | undefined

/** Appends the messages of each partition by themselves: some may be taken and others not. */
const appendApart = (
  publishing: Publishing,
  appended: ReadonlyArray<Appended>
): Effect.Effect<FailureOf> => {
  const failures = new Map<number, LogUnavailable | undefined>()
  const partitionOf = ({ outgoing: { entry } }: Appended): number => entry.partition
  const parts = [...Map.groupBy(appended, partitionOf)].map(([partition, part]) =>
    append(publishing, part, (failure) =>
      Effect.sync(() => {
        failures.set(partition, failure)
      }))
  )
  return Effect.as(
    Effect.all(parts, { concurrency: "unbounded", discard: true }),
    (item) => failures.get(partitionOf(item))
  )
}

/** The first of each key within a batch, when the batch repeats any key. */
const firstsOf = (
  prepared: ReadonlyArray<Prepared>,
  appended: ReadonlyArray<Appended>
): ReadonlyMap<string | undefined, Appended> =>
  prepared.some(({ _tag }) => _tag === "Repeat")
    ? new Map(appended.map((item) => [item.scope, item]))
    : noFirsts

const noFirsts: ReadonlyMap<string | undefined, Appended> = new Map()

const resultOf = (
  core: Core,
  item: Prepared,
  draft: Draft,
  firsts: ReadonlyMap<string | undefined, Appended>,
  failureOf: FailureOf
): Result.Result<Accepted, PublishError> => {
  if (item._tag === "Answer") return item.result
  if (item._tag === "Append") {
    const failure = failureOf(item)
    return failure === undefined ? Result.succeed(acceptedOf(core, item)) : Result.fail(failure)
  }
  const first = firsts.get(item.scope)
  if (first === undefined) return inFlight(core, draft) // Of a publish elsewhere, still under way.
  const failure = failureOf(first)
  return failure === undefined
    ? Result.succeed(duplicateOf(core, draft, first.outgoing.entry.message.id))
    : Result.fail(failure)
}

/** Appends and routes; waits only when the log did not answer at once. */
const append = <A, E>(
  publishing: Publishing,
  appended: ReadonlyArray<Appended>,
  reply: (failure: LogUnavailable | undefined) => Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  const { core } = publishing
  const entries: Array<LogEntry> = []
  let delayed: Array<Delayed> | undefined // Most publishes have none.
  for (const { outgoing: { entry } } of appended) { // Hot: no closure per message.
    if (waits(entry.message)) (delayed ??= []).push(delayedOf(entry))
    else entries.push(entry)
  }
  const pending = new Reply(reply)
  core.log.append(entries, (failure) => {
    core.appendFailure = failure
    if (failure === undefined) committed(publishing, appended)
    else takeBack(publishing, appended)
    return () => pending.give(failure)
  }, delayed === undefined ? undefined : { delayed })
  if (pending.given === undefined) return Effect.callback((resume) => pending.wait(resume))
  core.burst += entries.length
  if (core.burst < burstMax) return pending.given
  core.burst = 0
  return Effect.andThen(Effect.yieldNow, pending.given)
}

/** A reply that may come before or after somebody waits for it. */
class Reply<A, E> {
  given: Effect.Effect<A, E> | undefined = undefined
  private resume: ((effect: Effect.Effect<A, E>) => void) | undefined = undefined
  private readonly reply: (failure: LogUnavailable | undefined) => Effect.Effect<A, E>

  constructor(reply: (failure: LogUnavailable | undefined) => Effect.Effect<A, E>) {
    this.reply = reply
  }

  give(failure: LogUnavailable | undefined): void {
    this.given = this.reply(failure)
    this.resume?.(this.given)
  }

  wait(resume: (effect: Effect.Effect<A, E>) => void): void {
    if (this.given === undefined) this.resume = resume
    else resume(this.given)
  }
}

const committed = (
  { core, startReader }: Publishing,
  appended: ReadonlyArray<Appended>
): void => {
  for (const { outgoing, scope } of appended) {
    if (scope !== undefined) {
      const { fingerprint = "", message } = outgoing.entry
      core.claims.accept(scope, fingerprint, message.id, message.publishedAt)
    }
    if (waits(outgoing.entry.message)) {
      outgoing.slot.free()
      core.delays.stored(delayedOf(outgoing.entry))
    } else route(core, startReader, outgoing)
    if (core.hooks.after.length > 0) core.hooks.accepted(outgoing.entry)
  }
}

const takeBack = ({ core }: Publishing, appended: ReadonlyArray<Appended>): void => {
  for (const { outgoing, scope } of appended) {
    outgoing.slot.free()
    if (waits(outgoing.entry.message)) core.delays.release(outgoing.entry)
    if (scope !== undefined) core.claims.release(scope)
    core.countRefused("LogUnavailable")
  }
}

const acceptedOf = (core: Core, { outgoing: { entry, slot } }: Appended): Accepted => ({
  id: entry.message.id,
  topic: entry.message.topic,
  shard: slot.shard.id,
  durability: core.log.durability,
  duplicate: false,
  owner: core.others.pod
})
