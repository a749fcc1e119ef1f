/**
 * The host: what this pod does for others, with the partitions that it has.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as AckId from "../../domain/AckId.ts"
import { partitionOfId } from "../../domain/MessageId.ts"
import { partitionCount } from "../../domain/Position.ts"
import type { Accepted, MessageBus, PublishError } from "../../services/MessageBus.ts"
import { LogUnavailable, type MessageLog } from "../../services/MessageLog.ts"
import type { Tenure } from "../../services/Tenure.ts"
import {
  type Ask,
  encodeError,
  type Forwarded,
  fromBytes,
  type Outcome,
  type Refused,
  type Said,
  toBytes
} from "./Wire.ts"

/** Longest wait for something to pull: pods ask again. */
export const waitMax = Duration.seconds(20)

/** Ids of forwarded messages that are remembered, twice so many at most. */
const rememberedMax = 50_000

/**
 * For so long after a take-over a message that was sent before it may be one that its former owner
 * has stored, so it is looked for. Clocks of pods may differ by as much.
 */
const doubtMs = 5_000

/** What a host works with. */
export interface HostOptions {
  readonly pod: string
  readonly bus: MessageBus["Service"]
  readonly log: MessageLog["Service"]
  readonly tenure: Tenure["Service"]
  readonly takenAt: (partition: number) => number
}

/** Accepted forwarded messages by id. Two generations: the older one is forgotten as a whole. */
class Remembered {
  private young = new Map<string, Accepted>()
  private old = new Map<string, Accepted>()

  find(id: string): Accepted | undefined {
    return this.young.get(id) ?? this.old.get(id)
  }

  add(id: string, accepted: Accepted): void {
    if (this.young.size >= rememberedMax) {
      this.old = this.young
      this.young = new Map()
    }
    this.young.set(id, accepted)
  }
}

/** Answers what other pods ask; never fails. */
export const make = (options: HostOptions): (request: Uint8Array) => Effect.Effect<Uint8Array> => {
  const { log, pod } = options
  const remembered = new Remembered()
  const said = (more: Pick<Said, "error" | "value">): Uint8Array =>
    toBytes({ pod, owned: all.filter(log.owns), ...more })
  return (request) =>
    Effect.suspend(() => answer(options, remembered, fromBytes<Ask>(request))).pipe(
      Effect.exit,
      Effect.map((exit) => {
        if (Exit.isSuccess(exit)) return said({ value: exit.value })
        const failed = Exit.findErrorOption(exit)
        return said({
          error: encodeError(Option.getOrElse(failed, () => broken))
        })
      })
    )
}

const broken = new LogUnavailable({ reason: "Io", detail: "the pod that owns it failed" })

const all = Array.from({ length: partitionCount }, (_, partition) => partition)

const answer = (
  options: HostOptions,
  remembered: Remembered,
  ask: Ask
): Effect.Effect<unknown, Refused> => {
  const { bus, tenure } = options
  switch (ask.kind) {
    case "hello":
      return Effect.void
    case "publish":
      return publish(options, remembered, ask.drafts, ask.sentAt)
    case "pull":
      return Effect.map(bus.pull(ask.name, ask.max, 0), (deliveries) => ({
        deliveries,
        wakes: tenure.wakes(ask.name)
      }))
    case "wait":
      return Effect.map(
        Effect.timeoutOption(tenure.woken(ask.name, ask.since), waitMax),
        () => tenure.wakes(ask.name)
      )
    case "ack":
    case "nack":
    case "extend":
      return settle(options, ask)
    case "starts":
      return Effect.sync(() => tenure.starts(ask.from))
    case "welcome":
      return tenure.welcome([ask.subscription])
    case "dismiss":
      return tenure.dismiss(ask.incarnation)
    case "status":
      return Effect.map(bus.status(ask.id), Option.getOrUndefined)
    default:
      return administer(options, ask)
  }
}

/** What operators ask for. */
const administer = (
  { bus }: HostOptions,
  ask: Extract<
    Ask,
    { kind: "replay" | "edit" | "deleteLetters" | "parked" | "release" | "drop" }
  >
): Effect.Effect<unknown, Refused> => {
  switch (ask.kind) {
    case "replay":
      return bus.replay(ask.filter, ask.dryRun)
    case "edit":
      return bus.editDeadLetter(ask.id, ask.payload)
    case "deleteLetters":
      return bus.deleteDeadLetters(ask.filter)
    case "parked":
      return bus.parked.list(ask.filter, ask.after, ask.limit)
    case "release":
      return bus.parked.release(ask.filter)
    case "drop":
      return bus.parked.drop(ask.filter)
  }
}

/** Ack ids of partitions that are not here are given back. */
const settle = (
  { bus, log }: HostOptions,
  { ackIds, kind, ms, name }: Extract<Ask, { kind: "ack" | "nack" | "extend" }>
) => {
  const isHere = (text: string): boolean => {
    const id = AckId.parse(text)
    return id === undefined || log.owns(AckId.partitionOf(id))
  }
  const own = ackIds.filter(isHere)
  const elsewhere = ackIds.filter((id) => !isHere(id))
  const settled = kind === "ack"
    ? bus.ack(name, own)
    : kind === "nack"
    ? bus.nack(name, own, ms)
    : bus.extend(name, own, ms ?? 0)
  return Effect.map(settled, (result) => ({ ...result, elsewhere }))
}

/** Each message once, however often it comes. */
const publish = Effect.fnUntraced(function*(
  options: HostOptions,
  remembered: Remembered,
  drafts: ReadonlyArray<Forwarded>,
  sentAt: number
) {
  const { bus, log } = options
  const outcomes = new Map<string, Outcome>()
  for (const { id } of drafts) {
    const known = log.owns(partitionOfId(id))
      ? yield* before(options, remembered, id, sentAt)
      : "no"
    if (known === "no") outcomes.set(id, "Elsewhere")
    else if (known !== undefined) outcomes.set(id, { accepted: known })
  }
  const fresh = drafts.filter(({ id }) => !outcomes.has(id))
  const results = fresh.length === 0 ? [] : yield* bus.publishMany(fresh)
  fresh.forEach(({ id }, at) => {
    const result = results[at]
    if (result === undefined) return
    if (Result.isSuccess(result)) remembered.add(id, result.success)
    outcomes.set(id, outcomeOf(result))
  })
  return drafts.map(({ id }) => outcomes.get(id) ?? "Elsewhere")
})

/** What became of a message at the bus of this pod. */
export const outcomeOf = (result: Result.Result<Accepted, PublishError>): Outcome =>
  Result.isSuccess(result)
    ? { accepted: result.success }
    : isGone(result.failure)
    ? "Elsewhere"
    : refusedOf(result.failure)

const refusedOf = (error: Refused): Outcome => ({ refused: encodeError(error) })

/** Whether the partition left while the message was on its way; its next owner knows its fate. */
export const isGone = (error: Refused): boolean =>
  error._tag === "LogUnavailable" && (error.reason === "Fenced" || error.reason === "Closed")

/** The acceptance of a message that came before, here or at the former owner. */
const before = (
  { bus, log, takenAt }: HostOptions,
  remembered: Remembered,
  id: string,
  sentAt: number
): Effect.Effect<Accepted | undefined, LogUnavailable> => {
  const known = remembered.find(id)
  if (known !== undefined) return Effect.succeed(known)
  if (sentAt > takenAt(partitionOfId(id)) + doubtMs) return Effect.undefined
  return Effect.map(bus.status(id), (found) =>
    Option.match(found, {
      onNone: () => undefined,
      onSome: ({ message, shard }) => ({
        id,
        topic: message.topic,
        shard,
        durability: log.durability,
        duplicate: false
      })
    }))
}
