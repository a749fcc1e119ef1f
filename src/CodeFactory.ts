/**
 * Code Factory Bus as a library: everything a program that embeds the bus needs.
 *
 * Effect programs provide `layer(...)` and use the service `CodeFactory`; others call `open(...)`
 * and hold a handle of promises. `Topic.make(name, schema)` types a topic.
 */
import type * as Layer from "effect/Layer"
import { type BusHandle, make } from "./layers/embed/Handle.ts"
import { type Embedded, embedded } from "./layers/ProfileEmbedded.ts"
import type { OptionsInvalid } from "./services/CodeFactory.ts"
import type { EmbeddedOptions } from "./services/EmbeddedOptions.ts"
import type { LogUnopened } from "./services/MessageLog.ts"
import type { RedisUnopened } from "./services/RedisUnopened.ts"

export { DeadLetterUnknown } from "./domain/DeadLetter.ts"
export { PermanentFailure } from "./domain/Delivery.ts"
export type { Fate } from "./domain/Fate.ts"
export { type Lease, LeaseName, LeaseOwner } from "./domain/Lease.ts"
export { MessageInvalid, PayloadTooLarge } from "./domain/Message.ts"
export { type Session, SessionName } from "./domain/Session.ts"
export * as Topic from "./domain/TypedTopic.ts"
export type { BusHandle, ItemResult } from "./layers/embed/Handle.ts"
export type { Held, LockOptions } from "./layers/embed/Locking.ts"
export type {
  PromisedCalls,
  PromisedDelivery,
  PromisedHandler,
  PromisedPlugin
} from "./layers/embed/PromisedCalls.ts"
export { Agents } from "./services/Agents.ts"
export { CodeFactory, OptionsInvalid } from "./services/CodeFactory.ts"
export type {
  Calls,
  HandleOptions,
  Item,
  Plugin,
  PublishOptions,
  RequestOptions
} from "./services/CodeFactory.ts"
export type { EmbeddedOptions } from "./services/EmbeddedOptions.ts"
export * as ExecutionContext from "./services/ExecutionContext.ts"
export { withLease } from "./services/Holding.ts"
export { HookLimit, HookRefused } from "./services/Hooks.ts"
export { KeysUnavailable } from "./services/Idempotency.ts"
export {
  LeaseHeld,
  LeaseInvalid,
  LeaseLimit,
  LeaseLost,
  Leases,
  LeasesUnavailable
} from "./services/Leases.ts"
export { BusClosed, IdempotencyConflict, MessageBus } from "./services/MessageBus.ts"
export type { Accepted, Delivery, PublishError } from "./services/MessageBus.ts"
export { LogUnavailable, LogUnopened } from "./services/MessageLog.ts"
export { RedisUnopened } from "./services/RedisUnopened.ts"
export { RequestLimit, RequestTimeout } from "./services/Requests.ts"
export {
  SessionConflict,
  SessionInvalid,
  SessionLimit,
  Sessions,
  SessionsUnavailable
} from "./services/Sessions.ts"
export type { PromisedSessions, SessionOptions, SessionValue } from "./services/SessionValues.ts"

/** The bus for Effect programs: started with the layer, drained and closed with its scope. */
export const layer = (
  options?: EmbeddedOptions
): Layer.Layer<Embedded, LogUnopened | OptionsInvalid | RedisUnopened> => embedded(options)

/** A handle that refuses everything with `BusClosed` until its `start()` has resolved. */
export const create = (options?: EmbeddedOptions): BusHandle => make(embedded(options))

/**
 * A started handle: `await using bus = await open()`. Rejects with
 * `LogUnopened`, `OptionsInvalid` or `RedisUnopened`.
 */
export const open = (options?: EmbeddedOptions): Promise<BusHandle> => {
  const handle = create(options)
  return handle.start().then(() => handle)
}
export { ShardFull } from "./services/Shards.ts"
