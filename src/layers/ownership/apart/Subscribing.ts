/**
 * Subscriptions over pods with logs of their own: each pod has all of them, in its own log.
 *
 * A new one is written to the table and created at every other pod before whoever asked for it
 * hears that it is there; so nothing published anywhere after that is missed.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import {
  compare,
  conflictingField,
  type Created,
  type Subscription,
  SubscriptionConflict,
  type SubscriptionName,
  type SubscriptionOptions,
  SubscriptionUnknown
} from "../../../domain/Subscription.ts"
import { isReserved } from "../../../domain/Topic.ts"
import type { MessageBus } from "../../../services/MessageBus.ts"
import { LogUnavailable } from "../../../services/MessageLog.ts"
import type { RedisFailed } from "../../drivers/redis/Failure.ts"
import { operated } from "../Narrowing.ts"
import type { PodPeers } from "./PodPeers.ts"
import { type Found, type SubscriptionTable, tombMs } from "./SubscriptionTable.ts"

/** How often a row is read again because somebody else was quicker. */
const triesMax = 5

/** A name that is unknown is looked up in the table no more often than this. */
const lookEvery = Duration.millis(500)

/** What changing subscriptions takes. */
export interface SubscribingOptions {
  readonly bus: MessageBus["Service"]
  readonly table: SubscriptionTable
  readonly peers: PodPeers
}

type Bus = MessageBus["Service"]

/** Without Redis nobody knows what other pods have. */
const unshared = ({ message }: RedisFailed): LogUnavailable =>
  new LogUnavailable({ reason: "Io", detail: `subscriptions cannot be shared now: ${message}` })

const busyTable = new LogUnavailable({
  reason: "Io",
  detail: "other pods change this subscription, too; ask again"
})

/** The part of a bus that changes subscriptions, over all pods. */
export const subscribing = (options: SubscribingOptions) =>
  Effect.gen(function*() {
    const { bus } = options
    /** Names that some other pod may not have: whoever asks again tells them again. */
    const untold = new Set<string>()
    const look = yield* Effect.cachedWithTTL(Effect.ignore(synced(options)), lookEvery)

    const create: Bus["createSubscription"] = (name, wanted) =>
      isReserved(wanted.topic)
        ? bus.createSubscription(name, wanted) // Announcements are of this pod alone.
        : created(options, untold, name, wanted)

    /** Another pod may have created it just now: then the effect is made once more. */
    const known = <A, E extends { readonly _tag: string }, R>(
      effect: Effect.Effect<A, E, R>
    ): Effect.Effect<A, E, R> =>
      Effect.catch(effect, (error) =>
        error._tag === "SubscriptionUnknown"
          ? Effect.andThen(look, effect)
          : Effect.fail(error))

    return {
      sync: Effect.mapError(synced(options), unshared),
      known,
      changes: {
        createSubscription: create,
        deleteSubscription: (name) => deleted(options, name),
        subscription: (name) => known(bus.subscription(name)),
        handle: (name, wanted, handler, retry, extras) =>
          Effect.andThen(create(name, wanted), bus.handle(name, wanted, handler, retry, extras))
      } satisfies Partial<Bus>
    }
  })

const found = (bus: Bus, name: string): Effect.Effect<Subscription | undefined> =>
  Effect.map(bus.subscriptions, (all) => all.find((one) => one.name === name))

const created = Effect.fnUntraced(function*(
  options: SubscribingOptions,
  untold: Set<string>,
  name: SubscriptionName,
  wanted: SubscriptionOptions
) {
  const { bus, peers } = options
  const own = yield* found(bus, name)
  if (own !== undefined && !untold.has(name) && compare(own.options, wanted) === "Same") {
    return { created: "Same" as const, subscription: own }
  }
  const what = yield* entered(options, name, wanted, own?.options)
  untold.add(name)
  yield* operated(peers.gather({ kind: "subscribe", name, options: wanted }))
  const { subscription } = yield* bus.createSubscription(name, wanted)
  untold.delete(name)
  return { created: what, subscription }
})

/** Writes it into the table, unless it stands there. */
const entered = (
  { table }: SubscribingOptions,
  name: SubscriptionName,
  wanted: SubscriptionOptions,
  own: SubscriptionOptions | undefined
): Effect.Effect<Created, SubscriptionConflict | LogUnavailable> =>
  Effect.gen(function*() {
    for (let tries = 0; tries < triesMax; tries++) { // Mostly once.
      const row = yield* Effect.mapError(table.find(name), unshared)
      const existing = isLive(row) ? row.row.options : own
      const what = existing === undefined ? "New" : compare(existing, wanted)
      if (existing !== undefined && what === undefined) {
        const field = conflictingField(existing, wanted) ?? "topic"
        return yield* new SubscriptionConflict({ name, field })
      }
      if (isLive(row) && what === "Same") return what
      const isWritten = yield* Effect.mapError(
        table.write(name, row, { options: wanted }),
        unshared
      )
      if (isWritten) return what ?? "New"
    }
    return yield* busyTable
  })

const isLive = (row: Found | undefined): row is Found =>
  row !== undefined && row.row.deletedAt === undefined

const deleted = Effect.fnUntraced(function*(options: SubscribingOptions, name: string) {
  const { bus, peers, table } = options
  const own = yield* found(bus, name)
  if (own !== undefined && isReserved(own.options.topic)) return yield* bus.deleteSubscription(name)
  const row = (yield* Effect.mapError(table.all, unshared)).find((one) => one.name === name)
  const about = own ?? (isLive(row) ? { name: row.name, options: row.row.options } : undefined)
  if (about === undefined) return yield* new SubscriptionUnknown({ name })
  const tomb = { options: about.options, deletedAt: yield* Clock.currentTimeMillis }
  const isWritten = yield* Effect.mapError(table.write(about.name, row, tomb), unshared)
  if (!isWritten) return yield* busyTable
  // Whoever does not hear of it reads it in the table.
  yield* peers.tell({ kind: "unsubscribe", name })
  if (own !== undefined) yield* bus.deleteSubscription(name)
})

/** Makes this pod have what the table says, and the table what only this pod has. */
const synced = ({ bus, table }: SubscribingOptions): Effect.Effect<void, RedisFailed> =>
  Effect.gen(function*() {
    const rows = yield* table.all
    const now = yield* Clock.currentTimeMillis
    const own = new Map(
      (yield* bus.subscriptions).map((one) => [one.name, one.options])
    )
    for (const one of rows) {
      const { name, row: { deletedAt, options } } = one
      const has = own.get(name)
      if (deletedAt !== undefined) {
        if (has !== undefined) yield* told(bus.deleteSubscription(name), `${name} is not deleted`)
        if (deletedAt < now - tombMs) yield* table.forget(one)
      } else if (has === undefined || compare(has, options) !== "Same") {
        yield* told(bus.createSubscription(name, options), `${name} is not as at other pods`)
      }
    }
    const listed = new Set(rows.map(({ name }) => name))
    for (const [name, options] of own) {
      if (listed.has(name) || isReserved(options.topic)) continue
      yield* table.write(name, undefined, { options })
    }
  })

const told = (
  effect: Effect.Effect<unknown, { readonly message: string }>,
  what: string
): Effect.Effect<void> =>
  Effect.matchEffect(effect, {
    onFailure: ({ message }) => Effect.logWarning(`the subscription ${what}: ${message}`),
    onSuccess: () => Effect.void
  })
