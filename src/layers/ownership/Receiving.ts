/**
 * Receiving: messages that other pods forward to the owner of their partition, each stored once.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { partitionOfId } from "../../domain/MessageId.ts"
import type { Accepted, MessageBus, PublishError } from "../../services/MessageBus.ts"
import type { LogUnavailable, MessageLog } from "../../services/MessageLog.ts"
import { encodeError, type Forwarded, type Outcome, type Refused } from "./Wire.ts"

/** Ids of forwarded messages that are remembered, twice so many at most. */
const rememberedMax = 50_000

/**
 * For so long after a take-over a message that was sent before it may be one that its former owner
 * has stored, so it is looked for. Clocks of pods may differ by as much.
 */
const doubtMs = 5_000

/** What receiving takes. */
export interface ReceivingOptions {
  readonly pod: string
  readonly bus: MessageBus["Service"]
  readonly log: MessageLog["Service"]
  /** When a partition was taken over (Unix milliseconds). */
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

/** Receives what was sent at a time (Unix milliseconds); outcomes in the order of the drafts. */
export const receiving = (options: ReceivingOptions) => {
  const remembered = new Remembered()
  return (drafts: ReadonlyArray<Forwarded>, sentAt: number) =>
    receive(options, remembered, drafts, sentAt)
}

/** Each message once, however often it comes. */
const receive = Effect.fnUntraced(function*(
  options: ReceivingOptions,
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
  { bus, log, pod, takenAt }: ReceivingOptions,
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
        duplicate: false,
        owner: pod
      })
    }))
}
