/**
 * Rate limits in the memory of this process.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { isIdle, type Rate, take, unused, type Usage } from "../../domain/RateLimit.ts"
import { clientsMax, RateLimits, type Taken } from "../../services/RateLimits.ts"

/** What the limiter is told; `clientsMax` is for tests. */
export interface LocalRateLimitsOptions {
  /** Requests per window of a client without a limit of its own; 0 is no limit. */
  readonly limit: number
  readonly window: Duration.Duration
  readonly clientsMax?: number
}

/** The limiter as a layer. */
export const layer = (options: LocalRateLimitsOptions): Layer.Layer<RateLimits> =>
  Layer.effect(RateLimits, make(options))

/** The limiter. */
export const make = (options: LocalRateLimitsOptions): Effect.Effect<RateLimits["Service"]> =>
  Effect.map(Clock.Clock, (clock) => {
    const windowMs = Duration.toMillis(options.window)
    const kept = new KeptClients(options.clientsMax ?? clientsMax, windowMs)
    const counts = { refused: 0 } // Counted for each refusal.
    const takeNow = (name: string, limit = options.limit): Taken => {
      if (limit === 0) return unlimited
      const now = clock.currentTimeMillisUnsafe()
      const verdict = take(kept.of(name, now), { max: limit, windowMs }, now)
      if (!verdict.allowed) counts.refused++
      return { ...verdict, limit }
    }
    return RateLimits.of({
      windowSeconds: Duration.toSeconds(options.window),
      limit: options.limit,
      take: (name, limit) => Effect.sync(() => takeNow(name, limit)),
      takeNow,
      counts: () => ({ clients: kept.size, refused: counts.refused, evicted: kept.evicted })
    })
  })

const unlimited: Taken = { allowed: true, limit: 0, remaining: 0, resetMs: 0 }

/** One client between the one used before it and the one used after it. */
interface Client {
  readonly name: string
  readonly usage: Usage
  older: Client | undefined
  newer: Client | undefined
}

/**
 * Clients by name and in the order of their last request, which a list keeps at constant cost; the
 * order of a `Map` would have to be read past all that was deleted. Mutable on purpose.
 */
class KeptClients {
  readonly #byName = new Map<string, Client>()
  readonly #max: number
  readonly #rate: Rate
  #oldest: Client | undefined = undefined
  #newest: Client | undefined = undefined
  evicted = 0

  constructor(max: number, windowMs: number) {
    this.#max = max
    this.#rate = { max: 0, windowMs }
  }

  get size(): number {
    return this.#byName.size
  }

  /** The usage of a client, which becomes the newest. */
  of(name: string, now: number): Usage {
    const known = this.#byName.get(name)
    if (known !== undefined) {
      if (known !== this.#newest) {
        this.#unlink(known)
        this.#append(known)
      }
      return known.usage
    }
    this.#forget(now)
    const client: Client = { name, usage: unused(), older: undefined, newer: undefined }
    this.#byName.set(name, client)
    this.#append(client)
    return client.usage
  }

  /** Up to two idle clients go for each that comes, so that the idle ones never gather. */
  #forget(now: number): void {
    for (const _ of twice) {
      const oldest = this.#oldest
      if (oldest === undefined || !isIdle(oldest.usage, this.#rate, now)) break
      this.#remove(oldest)
    }
    if (this.#oldest !== undefined && this.size >= this.#max) {
      this.#remove(this.#oldest)
      this.evicted++
    }
  }

  #remove(client: Client): void {
    this.#unlink(client)
    this.#byName.delete(client.name)
  }

  #append(client: Client): void {
    client.older = this.#newest
    if (this.#newest === undefined) this.#oldest = client
    else this.#newest.newer = client
    this.#newest = client
  }

  #unlink(client: Client): void {
    const { newer, older } = client
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    client.older = undefined
    client.newer = undefined
  }
}

const twice = [1, 2] as const
