/**
 * A view: what tails of one pattern and filter have in common, so that a thousand of them decide
 * once about each message.
 */
import { canonicalFilter, type FilterSpec } from "../../domain/Filter.ts"
import { compileFilter, type FilterPredicate } from "../../domain/FilterPredicate.ts"
import type { Message } from "../../domain/Message.ts"
import { ParsedMessage } from "../../domain/ParsedMessage.ts"
import { matcher, type TopicPattern } from "../../domain/TopicPattern.ts"
import type { TailCursor } from "./TailCursor.ts"
import { TailPositions } from "./TailPositions.ts"
import type { TailRing } from "./TailRing.ts"

/** Topics about which a view remembers whether they match. */
export const viewTopicsMax = 1_000

/** One pattern and filter. */
export class TailView {
  /** Its name in the hub. */
  readonly key: string
  readonly pattern: TopicPattern
  /** Tails that wait: they want none of what was looked at. */
  readonly parked = new Set<TailCursor>()
  /** When what all of them are shown goes out with a position. */
  readonly positions: TailPositions
  /** Tails that have it. */
  users = 0
  private readonly matches: (topic: string) => boolean
  private readonly filter: FilterPredicate | undefined
  private readonly topics = new Map<string, boolean>()
  /** Decisions of the filter, for as long as the message is in memory. */
  private readonly passed = new WeakMap<Message, boolean>()

  constructor(
    pattern: TopicPattern,
    filter: FilterSpec | undefined,
    key: string,
    now: number
  ) {
    this.key = key
    this.pattern = pattern
    this.positions = new TailPositions(now)
    this.matches = matcher(pattern)
    this.filter = filter === undefined ? undefined : compileFilter(filter)
  }

  /** Whether the pattern names a topic. */
  readonly wants = (topic: string): boolean => {
    const known = this.topics.get(topic)
    if (known !== undefined) return known
    if (this.topics.size >= viewTopicsMax) this.topics.clear()
    const matched = this.matches(topic)
    this.topics.set(topic, matched)
    return matched
  }

  /** The last entry from `from` on that it shows, or -1; unknown when the ring has lost some. */
  lastMatch(ring: TailRing, from: number): number {
    if (from < ring.first) return ring.next
    for (let at = ring.next - 1; at >= from; at--) { // Hot: for every view and message.
      const entry = ring.at(at)
      if (entry !== undefined && this.shows(entry.message)) return at
    }
    return -1
  }

  /** Whether a tail of this view shows a message. */
  shows(message: Message): boolean {
    if (!this.wants(message.topic)) return false
    if (this.filter === undefined) return true
    const known = this.passed.get(message)
    if (known !== undefined) return known
    const passed = this.filter(new ParsedMessage(message))
    this.passed.set(message, passed)
    return passed
  }
}

/** What tails share a view by. */
export const viewKey = (pattern: TopicPattern, filter: FilterSpec | undefined): string =>
  filter === undefined ? pattern : `${pattern} ${canonicalFilter(filter)}`
