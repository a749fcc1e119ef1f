/**
 * Hooks: code of the embedding program that sees messages before they are accepted, and after.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Draft, Message } from "../domain/Message.ts"

/** A hook refused the message, failed, took too long, or returned what cannot be published. */
export class HookRefused extends Schema.TaggedError<HookRefused>()("HookRefused", {
  hook: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `the hook ${this.hook} refused the message: ${this.reason}`
  }
}

/** There are as many hooks as there may be. Remedy: close the scope of one that is not needed. */
export class HookLimit extends Schema.TaggedError<HookLimit>()("HookLimit", {
  limit: Schema.Int
}) {}

/** Longest run of a hook before a publish, in milliseconds; the publisher waits for it. */
export const beforeHookMsMax = 5_000

/** Longest run of a hook after a publish, in milliseconds; then it is interrupted. */
export const afterHookMsMax = 30_000

/** Most hooks before, and most after. */
export const hooksMax = 100

/** What may wait for one hook after the publish; what comes on top is not shown to it. */
export const afterHookQueueMax = { messages: 10_000, bytes: 64 * 1_048_576 } as const

/** Gives the draft that is published instead, or fails. `undefined` fields are kept as they are. */
export type BeforeHook = (draft: Draft) => Draft | Effect.Effect<Draft, unknown>

/** Sees an accepted message; what it returns is ignored. */
export type AfterHook = (message: Message) => unknown

/** The hooks of a bus. Each works until its scope closes. */
export interface Hooks {
  /**
   * Runs before each message is accepted, in the order of registration, each with the draft that
   * the former returned. One that throws, fails, or takes longer than `beforeHookMsMax` refuses the
   * message with `HookRefused`, before anything was stored, queued or claimed for it.
   */
  readonly before: (
    name: string,
    hook: BeforeHook
  ) => Effect.Effect<void, HookLimit, Scope.Scope>
  /**
   * Runs for each accepted message in its order, off the reply path. One that throws, fails or
   * takes longer than `afterHookMsMax` is counted and logged; neither other hooks nor deliveries
   * hear of it. In memory only: what waits for a hook when its scope closes is not shown to it.
   */
  readonly after: (
    name: string,
    hook: AfterHook
  ) => Effect.Effect<void, HookLimit, Scope.Scope>
}
