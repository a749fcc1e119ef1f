/**
 * Topics at run time: what is looked up for every message, cached per topic name.
 *
 * The cache is bounded: when it is full it starts anew, because a name's entry can be made again
 * from the subscriptions at any time. Totals per topic are kept apart, for at most 1,000 names.
 */
import { PatternTrie } from "../../domain/PatternTrie.ts"
import { hash32 } from "../../domain/Position.ts"
import { isReserved, type TopicName } from "../../domain/Topic.ts"
import type { Consumer } from "./Consumer.ts"
import type { Shard } from "./Shard.ts"

/** Topics with state of their own. Source: design, section 9, "Limits". */
export const topicsMax = 100_000

/** Topics with series of their own. Source: design, P11. */
export const topicLabelsMax = 1_000

/** The label of every topic beyond the first 1,000. */
export const otherTopics = "other"

/** Totals of one topic label. Mutable on purpose: counted for every message. */
export interface TopicTotals {
  published: number
  errors: number
}

/** What is known of one topic. */
export interface TopicState {
  /**
   * The one text of the name that its messages share. Each arrives with a text of its own, which
   * every table would have to hash again and which keeps its request alive.
   */
  readonly name: TopicName
  /** Of its messages without a key. */
  readonly position: number
  readonly reserved: boolean
  readonly totals: TopicTotals
  /** The shard of its messages without a key, as of change `placed` of the shard set. */
  shard: Shard | undefined
  placed: number
  /** Whose patterns name it, and whether one of them filters; as of `generation`. */
  consumers: ReadonlyArray<Consumer>
  isFiltered: boolean
  generation: number
}

/** The topics in use. */
export class Topics {
  private readonly states = new Map<string, TopicState>()
  /** By label; the first 1,000 names have their own. */
  readonly totals = new Map<string, TopicTotals>()
  private readonly patterns = new PatternTrie<Consumer>()
  private generation = 0

  /** A consumer came, or took the place of the one of its name. */
  put(consumer: Consumer): void {
    const { name, options } = consumer.subscription
    if (!consumer.isBroadcast) this.patterns.set(options.topic, name, consumer)
    this.generation++
  }

  /** A consumer went. */
  remove({ subscription: { name, options } }: Consumer): void {
    this.patterns.delete(options.topic, name)
    this.generation++
  }

  /** What the last look at the patterns cost: nodes visited. */
  get patternsVisited(): number {
    return this.patterns.visited
  }

  /** How many names have state. */
  get size(): number {
    return this.states.size
  }

  /** The state of a topic, with its current consumers. */
  get(topic: TopicName): TopicState {
    const state = this.states.get(topic) ?? this.add(topic)
    if (state.generation !== this.generation) {
      state.consumers = this.patterns.match(topic)
      state.isFiltered = state.consumers.some((consumer) => consumer.isFiltered)
      state.generation = this.generation
    }
    return state
  }

  private add(topic: TopicName): TopicState {
    if (this.states.size >= topicsMax) this.states.clear()
    // A copy: a text cut out of a request keeps all of it. The topic is ASCII, and checked.
    const name = Buffer.from(topic, "latin1").toString("latin1") as TopicName
    const state: TopicState = {
      name,
      position: hash32(topic),
      reserved: isReserved(topic),
      totals: this.totalsOf(name),
      shard: undefined,
      placed: -1,
      consumers: [],
      isFiltered: false,
      generation: -1
    }
    this.states.set(name, state)
    return state
  }

  private totalsOf(topic: string): TopicTotals {
    const label = this.totals.has(topic) || this.totals.size < topicLabelsMax ? topic : otherTopics
    const existing = this.totals.get(label)
    if (existing !== undefined) return existing
    const made = { published: 0, errors: 0 }
    this.totals.set(label, made)
    return made
  }
}
