/**
 * Channels: one connection for all that are listened to, made when the first one is.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Address } from "./Address.ts"
import * as Client from "./Client.ts"
import { failureOf, type RedisFailed } from "./Failure.ts"

/** Hears what is said on a channel, and that something may have been missed. */
export interface Listener {
  readonly said: (text: string) => void
  /** The connection was lost and is there again. */
  readonly missed: () => void
}

/** Hears a channel until the scope closes, also across lost connections. */
export type Listen = (
  channel: string,
  listener: Listener
) => Effect.Effect<void, RedisFailed, Scope.Scope>

/** Ends with the scope; `prefix` begins the name of every channel. */
export const make = (
  address: Address,
  prefix: string
): Effect.Effect<Listen, never, Scope.Scope> =>
  Effect.gen(function*() {
    const channels = new Channels(address)
    yield* Effect.addFinalizer(() => Effect.sync(() => channels.close()))
    return (channel, listener) => {
      const name = `${prefix}${channel}`
      return Effect.asVoid(Effect.acquireRelease(
        Effect.tryPromise({
          try: () => channels.add(name, listener),
          catch: (cause) => failureOf("listen", cause)
        }),
        () => Effect.sync(() => channels.remove(name, listener))
      ))
    }
  })

/** Who listens to what. Mutable: listeners come and go. */
class Channels {
  private readonly listeners = new Map<string, Set<Listener>>()
  private readonly address: Address
  private client: Client.Client | undefined = undefined
  /** Whether it was connected before. */
  private wasReady = false

  constructor(address: Address) {
    this.address = address
  }

  add(channel: string, listener: Listener): Promise<unknown> {
    const known = this.listeners.get(channel)
    if (known !== undefined) return Promise.resolve(known.add(listener))
    this.listeners.set(channel, new Set([listener]))
    return this.connected().subscribe(channel)
  }

  remove(channel: string, listener: Listener): void {
    const known = this.listeners.get(channel)
    if (known?.delete(listener) !== true || known.size > 0) return
    this.listeners.delete(channel)
    this.client?.unsubscribe(channel).catch(() => {}) // A connection that is lost hears nothing.
  }

  close(): void {
    this.client?.disconnect()
  }

  private connected(): Client.Client {
    if (this.client !== undefined) return this.client
    const client = Client.make(this.address, "channels")
    this.client = client
    client.on("error", () => {}) // It connects again by itself, and says so.
    client.on("message", (channel: string, text: string) => {
      this.listeners.get(channel)?.forEach(({ said }) => said(text))
    })
    client.on("ready", () => {
      if (this.wasReady) {
        for (const all of this.listeners.values()) all.forEach(({ missed }) => missed())
      }
      this.wasReady = true
    })
    client.connect().catch(() => {}) // As above.
    return client
  }
}
