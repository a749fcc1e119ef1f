/**
 * A subscription as the model knows it, and what it asked for.
 */
import type { FilterSpec } from "../../src/domain/Filter.ts"
import type { Message } from "../../src/domain/Message.ts"
import type { Subscription } from "../../src/domain/Subscription.ts"
import { passesFilter } from "./Filters.ts"

/** A subscription as its creator knows it. */
export interface Known {
  subscription: Subscription
  /** The heads of all lanes when it was surely there: of older messages a log may forget some. */
  readonly since: ReadonlyMap<number, number>
  attemptsMax: number
  deletion: "None" | "Asked" | "Done"
  /** Acknowledgements of this process: certain ones, and those without a reply. */
  acks: number
  acksUncertain: number
  /** The last first hand-out per order and lane. */
  readonly lastFirst: Map<string, number>
}

/** What order a message keeps for a subscription. */
export const orderOf = ({ options }: Subscription, { key, topic }: Message): string | undefined =>
  options.ordering === "none" || (options.ordering === "key" && key === undefined)
    ? undefined
    : `${topic}\0${key ?? ""}`

/** Whether a subscription is for a message, wherever it stands. */
export const isFor = ({ options }: Subscription, message: Message): boolean =>
  isWanted(options, message)

/** Whether a pattern and a filter are for a message. */
export const isWanted = (
  { filter, topic }: { readonly topic: string; readonly filter?: FilterSpec | undefined },
  message: Message
): boolean => isMatch(topic, message.topic) && passesFilter(filter, message)

/** When a message ends expired for a subscription; never is infinite. */
export const deadlineOf = (
  { options: { maxAgeMs = Infinity } }: Subscription,
  { deliverAt = 0, expiresAt = Infinity, publishedAt }: Message
): number => Math.min(expiresAt, Math.max(deliverAt, publishedAt) + maxAgeMs)

/** Whole names, segment by segment. */
const isMatch = (pattern: string, topic: string): boolean => {
  const wanted = pattern.split(".")
  const given = topic.split(".")
  return wanted.every((part, at) =>
    part === ">" ? given.length > at : part === "*" ? at < given.length : part === given[at]
  ) && (wanted.at(-1) === ">" || wanted.length === given.length)
}
