/**
 * Forwarding: messages on their way to the pods that have their partitions.
 *
 * What is published within a tick for one pod goes there in one request, because a request costs
 * ten times what a message in it does. A message keeps its id however often it is sent, so the
 * owner, or the one after it, stores it once.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { partitionOfId } from "../../domain/MessageId.ts"
import type { Accepted, PublishError } from "../../services/MessageBus.ts"
import { LogUnavailable } from "../../services/MessageLog.ts"
import { podCounts } from "../observe/PodCounts.ts"
import { type Peers, unowned } from "./Peers.ts"
import { decodeError, type Forwarded, type Outcome, type Refused, valueOf } from "./Wire.ts"

/** Most of one request: beyond that its cost grows with its size. Source: measured. */
const requestMax = { messages: 96, bytes: 65_536 }

/** Messages that wait for their owners. */
const waitingMax = 20_000

/** How long a message waits for an owner: as long as a lost pod takes to be noticed, and more. */
const patience = Duration.seconds(15)

/** Wait before what found no owner is sent again. */
const againAfter = Duration.millis(50)

type Published = Result.Result<Accepted, PublishError>

/** Sends messages to their owners. */
export interface Forwarding {
  /** Each message by itself; those of one partition in their order. */
  readonly forward: (
    drafts: ReadonlyArray<Forwarded>
  ) => Effect.Effect<ReadonlyArray<Published>>
}

/** The messages of one call, which wait for their answers together. */
interface Call {
  readonly drafts: ReadonlyArray<Forwarded>
  readonly results: Map<string, Published>
  readonly until: number
  readonly done: Deferred.Deferred<void>
}

/** Forwards until the scope closes. */
export const make = (
  peers: Peers,
  local: (drafts: ReadonlyArray<Forwarded>) => Effect.Effect<ReadonlyArray<Outcome>>
): Effect.Effect<Forwarding, never, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<never>()
    const scope = yield* Effect.scope
    const counts = yield* podCounts
    const state = { calls: new Array<Call>(), isScheduled: false }

    const send = (calls: ReadonlyArray<Call>) =>
      Effect.gen(function*() {
        const drafts = calls.flatMap(leftOf)
        yield* Effect.forEach(
          ownersOf(peers, drafts),
          (part) => sendPart(peers, local, part, calls),
          { concurrency: "unbounded", discard: true }
        )
        const now = yield* Clock.currentTimeMillis
        const again = calls.filter((call) => !isDone(call, now))
        if (again.length === 0) return
        counts.forwardedAgain += again.reduce((sum, call) => sum + leftOf(call).length, 0)
        yield* Effect.sleep(againAfter)
        again.forEach(enter)
      })
    const flush = () => {
      state.isScheduled = false
      const calls = state.calls.splice(0)
      counts.forwarded += calls.reduce((sum, call) => sum + leftOf(call).length, 0)
      Effect.runForkWith(context)(Effect.forkIn(send(calls), scope))
    }
    const enter = (call: Call): void => {
      state.calls.push(call)
      if (state.isScheduled) return
      state.isScheduled = true
      setImmediate(flush) // The end of the tick: whatever it publishes goes together.
    }
    return {
      forward: (drafts) =>
        Effect.gen(function*() {
          if (counts.forwarding + drafts.length > waitingMax) {
            return drafts.map(() => Result.fail(tooMany))
          }
          const call: Call = {
            drafts,
            results: new Map(),
            until: (yield* Clock.currentTimeMillis) + Duration.toMillis(patience),
            done: Deferred.makeUnsafe()
          }
          counts.forwarding += drafts.length
          enter(call)
          yield* Effect.ensuring(
            Deferred.await(call.done),
            Effect.sync(() => counts.forwarding -= drafts.length)
          )
          return drafts.map(({ id }) =>
            call.results.get(id) ?? Result.fail(unowned(partitionOfId(id)))
          )
        })
    }
  })

const tooMany = new LogUnavailable({
  reason: "Io",
  detail: `${waitingMax} messages wait for the pods that own their partitions`
})

const leftOf = ({ drafts, results }: Call): ReadonlyArray<Forwarded> =>
  results.size === 0 ? drafts : drafts.filter(({ id }) => !results.has(id))

/** Answers a call that has all its results, or may not wait any longer. */
const isDone = (call: Call, now: number): boolean => {
  if (call.results.size < call.drafts.length && now < call.until) return false
  Deferred.doneUnsafe(call.done, Effect.void)
  return true
}

/** The messages of each owner, in their order; those without a known one by partition. */
const ownersOf = (
  peers: Peers,
  drafts: ReadonlyArray<Forwarded>
): ReadonlyArray<ReadonlyArray<Forwarded>> => [
  ...Map.groupBy(drafts, ({ id }) => {
    const partition = partitionOfId(id)
    return peers.ownsHere(partition) ? "" : peers.ownerOf(partition) ?? `partition ${partition}`
  }).values()
]

/** One request after the other, so that what is for one partition keeps its order. */
const sendPart = Effect.fnUntraced(function*(
  peers: Peers,
  local: (drafts: ReadonlyArray<Forwarded>) => Effect.Effect<ReadonlyArray<Outcome>>,
  part: ReadonlyArray<Forwarded>,
  calls: ReadonlyArray<Call>
) {
  const results = new Map(calls.flatMap((call) => call.drafts.map(({ id }) => [id, call.results])))
  const stopped = new Set<number>()
  for (const drafts of requestsOf(part)) {
    const going = drafts.filter(({ id }) => !stopped.has(partitionOfId(id)))
    const [first] = going
    if (first === undefined) continue
    const outcomes = yield* sendOne(peers, local, going, partitionOfId(first.id))
    going.forEach(({ id }, at) => {
      const outcome = outcomes[at] ?? "Elsewhere"
      if (outcome === "Elsewhere") stopped.add(partitionOfId(id)) // Nothing may overtake it.
      else results.get(id)?.set(id, resultOf(outcome))
    })
  }
})

const sendOne = (
  peers: Peers,
  local: (drafts: ReadonlyArray<Forwarded>) => Effect.Effect<ReadonlyArray<Outcome>>,
  drafts: ReadonlyArray<Forwarded>,
  partition: number
): Effect.Effect<ReadonlyArray<Outcome>> =>
  Effect.gen(function*() {
    if (peers.ownsHere(partition)) return yield* local(drafts)
    const sentAt = yield* Clock.currentTimeMillis
    const said = yield* Effect.result(peers.ask(partition, { kind: "publish", sentAt, drafts }))
    return Result.isSuccess(said) ? valueOf<ReadonlyArray<Outcome>>(said.success) : []
  })

const resultOf = (outcome: Exclude<Outcome, "Elsewhere">): Published =>
  "accepted" in outcome
    ? Result.succeed(outcome.accepted)
    : Result.fail(publishError(decodeError(outcome.refused)))

/** What a publish can be refused with. */
const publishError = (error: Refused): PublishError => {
  switch (error._tag) {
    case "SubscriptionUnknown":
    case "SubscriptionHandled":
    case "SubscriptionBroadcast":
    case "DeadLetterUnknown":
      return new LogUnavailable({ reason: "Io", detail: error.message })
    default:
      return error
  }
}

const requestsOf = (drafts: ReadonlyArray<Forwarded>): ReadonlyArray<ReadonlyArray<Forwarded>> => {
  const requests: Array<Array<Forwarded>> = []
  let current: Array<Forwarded> = [] // One pass with a running sum (hot path).
  let bytes = 0
  for (const draft of drafts) {
    const isFull = current.length >= requestMax.messages ||
      (current.length > 0 && bytes + draft.payloadBytes > requestMax.bytes)
    if (isFull) {
      requests.push(current)
      current = []
      bytes = 0
    }
    current.push(draft)
    bytes += draft.payloadBytes
  }
  requests.push(current)
  return requests
}
