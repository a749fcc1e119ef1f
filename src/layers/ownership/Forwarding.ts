/**
 * Forwarding: messages on their way to the pods that have their partitions.
 *
 * What is published for one pod while a request to it is under way goes there in the next one,
 * because a request costs many times what a message in it does. A message keeps its id however
 * often it is sent, so the owner, or the one after it, stores it once.
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
import { type PodCounts, podCounts } from "../observe/PodCounts.ts"
import { type Peers, unowned } from "./Peers.ts"
import { decodeError, type Forwarded, type Outcome, type Refused, valueOf } from "./Wire.ts"

/** Most of one request: beyond that its cost only grows with its size. */
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

/** The messages of one call, which wait for their answers together. Mutable: those come singly. */
interface Call {
  readonly drafts: ReadonlyArray<Forwarded>
  readonly results: Map<string, Published>
  readonly until: number
  readonly done: Deferred.Deferred<void>
  /** Messages on their way, and partitions of which nothing may go on it before all is back. */
  underWay: number
  readonly stopped: Set<number>
}

/** A message of a call. */
interface Item {
  readonly call: Call
  readonly draft: Forwarded
}

/** What is on its way to one owner: one request at a time, so that what comes meanwhile is next. */
interface Outbox {
  readonly items: Array<Item>
  isBusy: boolean
}

/** Answers for what is sent to the owner of a partition, in the order of the messages. */
type Send = (
  drafts: ReadonlyArray<Forwarded>,
  partition: number
) => Effect.Effect<ReadonlyArray<Outcome>>

/** Forwards until the scope closes. */
export const make = (
  peers: Peers,
  local: (drafts: ReadonlyArray<Forwarded>) => Effect.Effect<ReadonlyArray<Outcome>>
): Effect.Effect<Forwarding, never, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<never>()
    const scope = yield* Effect.scope
    const counts = yield* podCounts
    const send: Send = (drafts, partition) =>
      Effect.catchCause(
        peers.ownsHere(partition) ? local(drafts) : sendTo(peers, drafts, partition),
        (bug) => Effect.as(Effect.logError("forwarding failed; trying again", bug), [])
      )
    const start = (effect: Effect.Effect<void>): void => {
      Effect.runForkWith(context)(Effect.forkIn(effect, scope))
    }
    const outboxes = new Outboxes(peers, send, start, counts)
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
            done: Deferred.makeUnsafe(),
            underWay: 0,
            stopped: new Set()
          }
          counts.forwarding += drafts.length
          outboxes.enter(call)
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

/** The outboxes by owner. Mutable on purpose: written for every message that is forwarded. */
class Outboxes {
  private readonly byOwner = new Map<string, Outbox>()
  private readonly peers: Peers
  private readonly send: Send
  private readonly start: (effect: Effect.Effect<void>) => void
  private readonly counts: PodCounts

  constructor(
    peers: Peers,
    send: Send,
    start: (effect: Effect.Effect<void>) => void,
    counts: PodCounts
  ) {
    this.peers = peers
    this.send = send
    this.start = start
    this.counts = counts
  }

  /** Sends what a call has no answers for yet. */
  enter(call: Call): void {
    const left = leftOf(call)
    call.underWay = left.length
    call.stopped.clear()
    this.counts.forwarded += left.length
    for (const draft of left) {
      const owner = this.ownerOf(partitionOfId(draft.id))
      const outbox = this.byOwner.get(owner) ?? { items: [], isBusy: false }
      this.byOwner.set(owner, outbox)
      outbox.items.push({ call, draft })
      if (outbox.isBusy) continue
      outbox.isBusy = true
      // The end of the tick: whatever it publishes goes together.
      setImmediate(() => this.start(this.empty(owner, outbox)))
    }
  }

  private ownerOf(partition: number): string {
    return this.peers.ownsHere(partition)
      ? ""
      : this.peers.ownerOf(partition) ?? `partition ${partition}`
  }

  private empty(owner: string, outbox: Outbox): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      while (outbox.items.length > 0) yield* this.sendNext(outbox.items)
      this.byOwner.delete(owner)
    })
  }

  private sendNext(items: Array<Item>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const taken = items.splice(0, requestLength(items))
      const going = taken.filter(({ call, draft }) => !call.stopped.has(partitionOfId(draft.id)))
      const [first] = going
      const outcomes = first === undefined ? [] : yield* this.send(
        going.map(({ draft }) => draft),
        partitionOfId(first.draft.id)
      )
      going.forEach(({ call, draft: { id } }, at) => {
        const outcome = outcomes[at] ?? "Elsewhere"
        if (outcome === "Elsewhere") call.stopped.add(partitionOfId(id)) // Nothing overtakes it.
        else call.results.set(id, resultOf(outcome))
      })
      const now = yield* Clock.currentTimeMillis
      for (const { call } of taken) if (--call.underWay === 0) this.cameBack(call, now)
    })
  }

  /** Everything of a call has come back: it has its answers, may wait no longer, or goes again. */
  private cameBack(call: Call, now: number): void {
    if (call.results.size >= call.drafts.length || now >= call.until) {
      Deferred.doneUnsafe(call.done, Effect.void)
      return
    }
    this.counts.forwardedAgain += call.drafts.length - call.results.size
    this.start(Effect.andThen(Effect.sleep(againAfter), Effect.sync(() => this.enter(call))))
  }
}

const leftOf = ({ drafts, results }: Call): ReadonlyArray<Forwarded> =>
  results.size === 0 ? drafts : drafts.filter(({ id }) => !results.has(id))

/** How many of these fit into one request: at least one. */
const requestLength = (items: ReadonlyArray<Item>): number => {
  let bytes = 0 // One pass with a running sum (hot path).
  for (let at = 0; at < items.length; at++) {
    bytes += items[at]?.draft.payloadBytes ?? 0
    if (at >= requestMax.messages || (at > 0 && bytes > requestMax.bytes)) return at
  }
  return items.length
}

const sendTo = Effect.fnUntraced(function*(
  peers: Peers,
  drafts: ReadonlyArray<Forwarded>,
  partition: number
) {
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
