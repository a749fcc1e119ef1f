/**
 * Publishing over pods: what is of this one goes into its bus, the rest is forwarded.
 *
 * A message gets its id here, before anybody knows who stores it, so that it is stored once whoever
 * does.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Draft } from "../../domain/Message.ts"
import { type MessageId, partitionOfId } from "../../domain/MessageId.ts"
import { hash32, orderText, partitionOf } from "../../domain/Position.ts"
import { isReplyTopic } from "../../domain/Request.ts"
import type { Accepted, MessageBus, PublishError } from "../../services/MessageBus.ts"
import { LogUnavailable, type MessageLog } from "../../services/MessageLog.ts"
import type { Forwarding } from "./Forwarding.ts"
import { isGone } from "./Receiving.ts"
import type { Forwarded } from "./Wire.ts"

/** What publishing takes. */
export interface PublishingOptions {
  readonly bus: MessageBus["Service"]
  readonly log: MessageLog["Service"]
  readonly forwarding: Forwarding
  /** A new id of a message in a partition. */
  readonly newId: (partition: number) => MessageId
}

/** The part of a bus that publishes, over all pods. */
export const publishing = (
  options: PublishingOptions
): Pick<MessageBus["Service"], "publish" | "publishMany"> => {
  const { bus, forwarding, log, newId } = options
  const identified = (draft: Draft): Forwarded => ({
    ...draft,
    id: draft.id ??
      newId(partitionOf(hash32(orderText(draft.topic, draft.key))))
  })
  const forwardOne = (draft: Forwarded): Effect.Effect<Accepted, PublishError> =>
    Effect.flatMap(
      forwarding.forward([draft]),
      ([result]) => result === undefined ? Effect.die("no result") : Effect.fromResult(result)
    )
  const publish = (draft: Draft): Effect.Effect<Accepted, PublishError> => {
    if (isReplyTopic(draft.topic)) return bus.publish(draft)
    const known = identified(draft)
    return log.owns(partitionOfId(known.id))
      ? Effect.catch(
        bus.publish(known),
        (error) => isGone(error) ? forwardOne(known) : Effect.fail(error)
      )
      : forwardOne(known)
  }
  return {
    publish,
    publishMany: (drafts) => publishAll(options, drafts.map(identified))
  }
}

const missing = Result.fail(
  new LogUnavailable({ reason: "Io", detail: "nothing is known of what became of it" })
)

/** What is here goes to the bus of this pod, the rest to others; results in the order of drafts. */
const publishAll = Effect.fnUntraced(function*(
  { bus, forwarding, log }: PublishingOptions,
  drafts: ReadonlyArray<Forwarded>
) {
  const isHere = ({ id, topic }: Forwarded) => isReplyTopic(topic) || log.owns(partitionOfId(id))
  const own = drafts.filter(isHere)
  const others = drafts.filter((draft) => !isHere(draft))
  const [here, there] = yield* Effect.all([
    own.length === 0 ? Effect.succeed([]) : bus.publishMany(own),
    others.length === 0 ? Effect.succeed([]) : forwarding.forward(others)
  ], { concurrency: "unbounded" })
  const results = new Map<string, Result.Result<Accepted, PublishError>>()
  own.forEach(({ id }, at) => results.set(id, here[at] ?? missing))
  others.forEach(({ id }, at) => results.set(id, there[at] ?? missing))
  const gone = own.filter(({ id }) => {
    const result = results.get(id) ?? missing
    return Result.isFailure(result) && isGone(result.failure)
  })
  const again = gone.length === 0 ? [] : yield* forwarding.forward(gone)
  gone.forEach(({ id }, at) => results.set(id, again[at] ?? missing))
  return drafts.map(({ id }) => results.get(id) ?? missing)
})
