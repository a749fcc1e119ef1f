/**
 * Topic patterns: which topics a subscription wants.
 *
 * `*` stands for exactly one segment, `>` as the last segment for one or more. Nothing else is
 * special and the whole name must match, so that no user can bring a regular expression that
 * takes exponential time.
 */
import * as Schema from "effect/Schema"
import { isReserved, topicLengthMax } from "./Topic.ts"

const shape = /^(\*|>|[A-Za-z0-9_-]+)(\.(\*|>|[A-Za-z0-9_-]+))*$/

/** A topic name in which `*` may stand for one segment and a last `>` for the rest. */
export const TopicPattern = Schema.String.check(
  Schema.isMaxLength(topicLengthMax),
  Schema.isPattern(shape, {
    message: "expected segments of letters, digits, '_', '-', '*' or '>'"
  }),
  Schema.makeFilter((text: string) =>
    text.includes(">") && text.indexOf(">") !== text.length - 1
      ? "expected '>' as the last segment only"
      : undefined
  )
).pipe(Schema.brand("TopicPattern"))
/** A checked pattern. */
export type TopicPattern = typeof TopicPattern.Type

/**
 * A competing subscription to topics of the bus, or any to replies: none of them is kept. Remedy:
 * subscribe to `message_bus` with mode broadcast.
 */
export class PatternReserved extends Schema.TaggedError<PatternReserved>()("PatternReserved", {
  pattern: Schema.String
}) {}

/**
 * The predicate of a pattern, made once per subscription.
 *
 * A wildcard never reaches topics of the bus itself (`message_bus.*`, `_reply.*`): a pattern has to
 * name their first segment.
 */
export const matcher = (pattern: TopicPattern): (topic: string) => boolean => {
  const wanted = pattern.split(".")
  const exact = !wanted.includes("*") && !wanted.includes(">")
  if (exact) return (topic) => topic === pattern
  const open = wanted[wanted.length - 1] === ">"
  const fixed = open ? wanted.length - 1 : wanted.length
  const mayBeReserved = isReserved(wanted[0] ?? "")
  return (topic) => {
    const segments = topic.split(".")
    return (open ? segments.length > fixed : segments.length === fixed) &&
      (mayBeReserved || !isReserved(topic)) &&
      wanted.every((want, index) => want === "*" || want === ">" || want === segments[index])
  }
}

/** Whether every topic that `inner` matches is matched by `outer` too. */
export const covers = (outer: TopicPattern, inner: TopicPattern): boolean => {
  const wanted = outer.split(".")
  const given = inner.split(".")
  const first = wanted[0]
  if ((first === "*" || first === ">") && isReserved(given[0] ?? "")) return false
  const open = wanted[wanted.length - 1] === ">"
  const fixed = open ? wanted.length - 1 : wanted.length
  const longEnough = open ? given.length > fixed : given.length === fixed
  return longEnough && wanted.slice(0, fixed).every((want, index) => {
    const have = given[index]
    return have !== ">" && (want === "*" || want === have)
  })
}
