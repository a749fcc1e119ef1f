/**
 * Subscriptions at run time: created, taken over by a handler or given back, deleted.
 *
 * One change at a time, so that two that ask for one name at once see each other's result.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { noFates } from "../../domain/Fate.ts"
import { retryDefault, type RetryPolicy } from "../../domain/RetryPolicy.ts"
import {
  compare,
  conflictingField,
  type Created,
  type Subscription,
  SubscriptionConflict,
  SubscriptionHandled,
  SubscriptionLimit,
  type SubscriptionName,
  type SubscriptionOptions,
  SubscriptionUnknown
} from "../../domain/Subscription.ts"
import { isReserved } from "../../domain/Topic.ts"
import { PatternReserved } from "../../domain/TopicPattern.ts"
import type {
  BusClosed,
  Handler,
  HandlerExtras,
  SubscribeError
} from "../../services/MessageBus.ts"
import type { LogUnavailable } from "../../services/MessageLog.ts"
import type { TailLimit } from "../../services/Tails.ts"
import { broadcast } from "./Broadcast.ts"
import { type Attachment, type Consumer, Totals } from "./Consumer.ts"
import type { Core } from "./Core.ts"
import { startsOf } from "./Floors.ts"
import { isOpen, whenOpen } from "./Openness.ts"
import { state } from "./Pending.ts"
import { replaceConsumer, retire } from "./Replacement.ts"
import { introduce, type StartReader } from "./Router.ts"
import { open } from "./Tails.ts"

/** How a subscription without a handler is consumed. */
export const pulled = (options: SubscriptionOptions): Attachment => ({
  handler: undefined,
  retry: { ...retryDefault, attemptsMax: options.maxAttempts },
  fates: noFates
})

/** The changes of subscriptions of one bus. */
export interface Subscriptions {
  readonly create: (
    name: SubscriptionName,
    options: SubscriptionOptions
  ) => Effect.Effect<
    { readonly created: Created; readonly subscription: Subscription },
    SubscribeError
  >
  readonly remove: (
    name: string
  ) => Effect.Effect<void, SubscriptionUnknown | LogUnavailable | BusClosed>
  /** Ends one that another process deleted, if it is known. */
  readonly dismiss: (incarnation: number) => Effect.Effect<void>
  readonly handle: (
    name: SubscriptionName,
    options: SubscriptionOptions,
    handler: Handler,
    retry?: Omit<RetryPolicy, "attemptsMax">,
    extras?: HandlerExtras
  ) => Effect.Effect<void, SubscribeError | SubscriptionHandled | TailLimit, Scope.Scope>
}

/** The changes of subscriptions of `core`. */
export const make = (core: Core, startReader: StartReader): Effect.Effect<Subscriptions> =>
  Effect.gen(function*() {
    const turn = yield* Semaphore.make(1)
    const create = createIn(core, startReader)
    return {
      create: (name, options) => turn.withPermit(create(name, options)),
      remove: (name) =>
        // Replays and settlements wait, so that nothing is stored behind the deletion.
        turn.withPermit(core.letters.withPermit(core.settler.turn.withPermit(remove(core, name)))),
      dismiss: (incarnation) =>
        turn.withPermit(Effect.sync(() => {
          const gone = [...core.consumers.values()].find(({ subscription }) =>
            subscription.incarnation === incarnation
          )
          if (gone !== undefined) discard(core, gone)
        })),
      handle: (name, options, handler, retry, extras) => {
        if (options.mode === "broadcast") {
          const opened = turn.withPermit(
            Effect.andThen(create(name, options), openTail(core, name))
          )
          return Effect.flatMap(
            opened,
            (tail) => broadcast(core, name, options, tail, handler, extras?.filter)
          )
        }
        const attachment = {
          handler,
          filter: extras?.filter,
          fates: extras?.fates ?? noFates,
          retry: { ...retryDefault, ...retry, attemptsMax: options.maxAttempts }
        }
        const attach = Effect.gen(function*() {
          const { subscription: { incarnation } } = yield* create(name, options)
          const current = core.consumers.get(name)
          if (current === undefined) return incarnation
          if (current.handler !== undefined) return yield* new SubscriptionHandled({ name })
          yield* replaceConsumer(core, startReader, current, attachment)
          return incarnation
        })
        const detach = (incarnation: number) =>
          Effect.suspend(() => {
            const own = core.consumers.get(name)
            if (own?.subscription.incarnation !== incarnation) return Effect.void
            if (!isOpen(core)) return Effect.void
            // Other changes need not wait for its handlers; one may be its deletion.
            const giveBack = Effect.suspend(() =>
              core.consumers.get(name) === own && isOpen(core)
                ? replaceConsumer(core, startReader, own, pulled(own.subscription.options))
                : Effect.void
            )
            return Effect.andThen(retire(own), turn.withPermit(giveBack))
          })
        return Effect.asVoid(Effect.acquireRelease(turn.withPermit(attach), detach))
      }
    }
  })

/** The tail of a subscription that is there, from where it says. */
const openTail = (core: Core, name: SubscriptionName) =>
  Effect.suspend(() => {
    const from = core.consumers.get(name)?.subscription.options.from ?? "now"
    return Effect.catchTags(open(core, { of: { subscription: name }, from }), {
      SubscriptionUnknown: Effect.die,
      PositionInvalid: Effect.die
    })
  })

const createIn = (core: Core, startReader: StartReader): Subscriptions["create"] =>
  Effect.fnUntraced(function*(name, options) {
    yield* whenOpen(core)
    const existing = core.consumers.get(name)
    if (existing !== undefined) return yield* change(core, existing, options)
    const { mode, topic } = options
    // Announcements are not kept, and replies are for who asked.
    if (isReserved(topic) && (mode === "compete" || !topic.startsWith("message_bus"))) {
      return yield* new PatternReserved({ pattern: topic })
    }
    const limit = core.options.subscriptionsMax
    if (core.consumers.size >= limit) return yield* new SubscriptionLimit({ limit })
    const subscription: Subscription = {
      incarnation: core.nextIncarnation++,
      name,
      options,
      starts: startsOf(core, options.from)
    }
    yield* Effect.ensuring(
      found(core, startReader, subscription),
      Effect.sync(() => core.founding.delete(subscription.starts))
    )
    return { created: "New" as const, subscription }
  }, Effect.uninterruptible)

/** Stores a new subscription and makes it known; until then retention leaves what it wants. */
const found = Effect.fnUntraced(function*(
  core: Core,
  startReader: StartReader,
  subscription: Subscription
) {
  core.founding.add(subscription.starts)
  yield* core.log.commit({ subscriptions: [subscription] })
  const consumer = core.consumer(subscription, pulled(subscription.options), new Totals())
  consumer.countedFrom = core.seen.slice()
  yield* introduce(core, startReader, consumer)
})

const change = Effect.fnUntraced(function*(
  core: Core,
  existing: Consumer,
  options: SubscriptionOptions
) {
  const { subscription } = existing
  const created = compare(subscription.options, options)
  if (created === undefined) {
    const field = conflictingField(subscription.options, options) ?? "topic"
    return yield* new SubscriptionConflict({ name: subscription.name, field })
  }
  if (created === "Same") return { created, subscription }
  const changed = { ...subscription, options }
  yield* core.log.commit({ subscriptions: [changed] })
  existing.subscription = changed
  existing.retry = { ...existing.retry, attemptsMax: options.maxAttempts }
  return { created, subscription: changed }
})

const remove = Effect.fnUntraced(function*(core: Core, name: string) {
  yield* whenOpen(core)
  const consumer = core.consumers.get(name)
  if (consumer === undefined) return yield* new SubscriptionUnknown({ name })
  const { incarnation } = consumer.subscription
  yield* core.log.commit({ subscriptionsRemoved: [incarnation] }, () => discard(core, consumer))
}, Effect.uninterruptible)

/** Ends a consumer whose subscription was deleted, with all it holds. */
const discard = (core: Core, consumer: Consumer): void => {
  core.consumers.delete(consumer.subscription.name)
  core.topics.remove(consumer)
  core.tails.end("Deleted", consumer.subscription.incarnation)
  consumer.closed = true
  core.logMode.leave(consumer)
  let waiting = 0 // Counted in the same pass over what may be a million deliveries.
  for (const delivery of [...consumer.unsettled()]) {
    core.leases.remove(delivery)
    core.free(delivery)
    const isRunning = delivery.state === state.running
    if (delivery.state === state.waiting) waiting++
    delivery.state = state.settled
    if (isRunning) consumer.inFlight--
    else core.passSuspicion(delivery) // A running one does when its handler ends.
    core.discarded++
    if (delivery.track === undefined) core.ownRows.remove(delivery)
    else if (--delivery.entry.pending === 0) core.log.release(delivery.entry)
  }
  core.retries.leave(waiting)
  consumer.wake()
}

/** The subscription of that name. */
export const find = (
  core: Core,
  name: string
): Effect.Effect<Subscription, SubscriptionUnknown> =>
  Effect.suspend(() => {
    const found = core.consumers.get(name)?.subscription
    return found === undefined
      ? Effect.fail(new SubscriptionUnknown({ name }))
      : Effect.succeed(found)
  })

/** All subscriptions, by name. */
export const all = (core: Core): Effect.Effect<ReadonlyArray<Subscription>> =>
  Effect.sync(() =>
    [...core.consumers.values()]
      .map(({ subscription }) => subscription)
      .toSorted((a, b) => a.name < b.name ? -1 : 1)
  )
