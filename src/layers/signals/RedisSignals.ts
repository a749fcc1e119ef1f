/**
 * Signals over the channels of a Redis.
 *
 * A signal is one text: its origin, its number, and what is said. Numbers of an origin and topic
 * are dense, so a listener sees what is missing once it hears the next one; an origin that has
 * nothing to say tells its last number now and then, for those who would wait for that.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { randomUUID } from "node:crypto"
import { type SignalListener, Signals } from "../../services/Signals.ts"
import type { Listener } from "../drivers/redis/Listening.ts"
import { Redis } from "../drivers/redis/Redis.ts"
import { script } from "../drivers/redis/Script.ts"
import { type RedisCounts, redisCounts } from "../observe/RedisCounts.ts"

/** Most signals, and characters of them, that are on their way at once; more are dropped. */
export const outgoingMax = { count: 1_000, characters: 8 * 1_048_576 } as const

/** Most origins whose numbers a listener knows; of more, the first ones are forgotten. */
const originsMax = 1_000

/** Most topics of a pod: they are names in the program. */
const topicsMax = 100

/** How often an origin tells its last number, and for how long after it said something. */
const tellEvery = Duration.seconds(2)
const tellForMs = 60_000

/** How long a listener waits until it hears; it hears later, if Redis is away now. */
const listenWithin = Duration.seconds(1)

/** Wait before listening is tried again. */
const againAfter = Duration.millis(500)

/** The signals as a layer. */
export const layer: Layer.Layer<Signals, never, Redis> = Layer.effect(
  Signals,
  Effect.gen(function*() {
    const redis = yield* Redis
    const counts = yield* redisCounts
    const sender = new Sender(redis, counts, randomUUID())
    yield* Effect.forkScoped(
      Effect.repeat(Effect.delay(sender.tell, tellEvery), Schedule.forever)
    )
    return Signals.of({
      send: (topic, text) => sender.send(topic, text),
      listen: (topic, listener) =>
        Effect.gen(function*() {
          const hearing = new Hearing(sender.origin, listener, counts)
          const heard = redis.listen(channelOf(topic), hearing).pipe(
            Effect.retry(Schedule.spaced(againAfter)),
            Effect.orDie // It is tried for ever.
          )
          yield* Effect.raceFirst(
            Effect.flatMap(Effect.forkScoped(heard), Fiber.await),
            Effect.sleep(listenWithin)
          )
        })
    })
  })
)

/**
 * In a cluster the key takes all signals of a topic to one node: by way of several they would
 * overtake each other.
 */
const publishing = script("signals.send", "return redis.call('PUBLISH', ARGV[1], ARGV[2])")

const channelOf = (topic: string): string => `signals.${topic}`

/** What one process has said of a topic. Mutable: it changes with every signal. */
interface Said {
  /** The number of the last signal. */
  last: number
  at: number
}

/** Says signals. Mutable: it numbers them, and knows what is under way. */
class Sender {
  readonly origin: string
  private readonly redis: Redis["Service"]
  private readonly counts: RedisCounts
  private readonly topics = new Map<string, Said>()
  private underWay = 0
  private characters = 0

  constructor(redis: Redis["Service"], counts: RedisCounts, origin: string) {
    this.redis = redis
    this.counts = counts
    this.origin = origin
  }

  send(topic: string, text: string): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      const said = this.topic(topic)
      said.last++ // Also of what is dropped: others learn that it is missing.
      said.at = performance.now()
      if (
        this.underWay >= outgoingMax.count ||
        this.characters + text.length > outgoingMax.characters
      ) {
        this.counts.signals.dropped++
        return Effect.succeed(false)
      }
      this.underWay++
      this.characters += text.length
      return this.publish(topic, `${this.origin} ${said.last} ${text}`).pipe(
        Effect.tap((isSaid) =>
          Effect.sync(() => {
            if (isSaid) this.counts.signals.sent++
            else this.counts.signals.dropped++
          })
        ),
        Effect.ensuring(Effect.sync(() => {
          this.underWay--
          this.characters -= text.length
        }))
      )
    })
  }

  /** Tells the last numbers of what was said lately. */
  readonly tell = Effect.suspend(() => {
    const since = performance.now() - tellForMs
    const lately = [...this.topics].filter(([, { at }]) => at >= since)
    return Effect.forEach(
      lately,
      ([topic, { last }]) => this.publish(topic, `${this.origin} ${last}`),
      { discard: true }
    )
  })

  private publish(topic: string, text: string): Effect.Effect<boolean> {
    const { redis } = this
    const channel = redis.channel(channelOf(topic))
    const published = redis.isCluster
      ? redis.run(publishing, [redis.key("signals", topic)], channel, text)
      : redis.command("signals.send", "PUBLISH", channel, text)
    return published.pipe(
      Effect.as(true),
      Effect.catch(() => Effect.succeed(false)) // The driver counts and tells why.
    )
  }

  private topic(topic: string): Said {
    const known = this.topics.get(topic)
    if (known !== undefined) return known
    if (this.topics.size >= topicsMax) throw new Error(`too many topics of signals: ${topic}`)
    const made = { last: 0, at: 0 }
    this.topics.set(topic, made)
    return made
  }
}

/** Hears one topic. Mutable: it knows the last number of each origin. */
class Hearing implements Listener {
  private readonly own: string
  private readonly listener: SignalListener
  private readonly counts: RedisCounts
  private readonly last = new Map<string, number>()

  constructor(own: string, listener: SignalListener, counts: RedisCounts) {
    this.own = own
    this.listener = listener
    this.counts = counts
  }

  /** Whose process and number it is, and what is said; without that, only how far it is. */
  readonly said = (line: string): void => {
    const [origin = "", number = ""] = line.split(" ", 2)
    const at = Number(number)
    // What others write to the channel is none of ours.
    if (origin === this.own || origin === "" || !Number.isSafeInteger(at) || at < 1) return
    const text = line.slice(origin.length + number.length + 2)
    const isTold = line.length === origin.length + number.length + 1
    const last = this.last.get(origin) ?? (isTold ? at : at - 1)
    if (at < last || (at === last && !isTold)) return
    this.note(origin, at)
    const missed = isTold ? at - last : at - last - 1
    if (missed > 0) {
      this.counts.signals.missed += missed
      this.listener.missed(missed, origin)
    }
    if (isTold) return
    this.counts.signals.heard++
    this.listener.said({ origin, text })
  }

  /** What was missed shows at the next number that is heard. */
  readonly missed = (): void => {}

  private note(origin: string, at: number): void {
    if (!this.last.has(origin) && this.last.size >= originsMax) {
      const [first] = this.last.keys()
      if (first !== undefined) this.last.delete(first)
    }
    this.last.set(origin, at)
  }
}
