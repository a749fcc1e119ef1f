/**
 * Hooks over values: an item in, an item out, checked as any other item that is published.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Draft, Message } from "../../domain/Message.ts"
import type { Item, PublishOptions } from "../../services/CodeFactory.ts"
import type { HookLimit } from "../../services/Hooks.ts"
import type { MessageBus } from "../../services/MessageBus.ts"
import type { DraftError } from "./Drafting.ts"
import { withoutExecution } from "./Handling.ts"
import { draftFor } from "./Publishing.ts"

/** Registers a hook that may change or refuse what is published. */
export const beforePublishWith = (bus: MessageBus["Service"]) =>
<E, R>(
  name: string,
  hook: (item: Item) => Item | Effect.Effect<Item, E, R>
): Effect.Effect<void, HookLimit, R | Scope.Scope> =>
  Effect.flatMap(Effect.context<R>(), (captured) => {
    const context = withoutExecution(captured)
    return bus.hooks.before(name, (draft) => {
      const item = itemOf(draft)
      const before = JSON.stringify(item.payload) // The hook may change the value in place.
      const returned = hook(item)
      return Effect.isEffect(returned)
        ? Effect.flatMap(
          Effect.provideContext(returned, context),
          (given) => redraft(draft, before, given)
        )
        : redraft(draft, before, returned)
    })
  })

/** Registers a hook that sees what was accepted. */
export const afterPublishWith = (bus: MessageBus["Service"]) =>
<E, R>(
  name: string,
  hook: (payload: unknown, message: Message) => Effect.Effect<unknown, E, R> | void
): Effect.Effect<void, HookLimit, R | Scope.Scope> =>
  Effect.flatMap(Effect.context<R>(), (captured) => {
    const context = withoutExecution(captured)
    return bus.hooks.after(name, (message) => {
      const returned = hook(JSON.parse(message.payload), message)
      return Effect.isEffect(returned) ? Effect.provideContext(returned, context) : returned
    })
  })

const itemOf = (draft: Draft): Item => ({
  topic: draft.topic,
  payload: JSON.parse(draft.payload),
  options: optionsOf(draft)
})

const optionsOf = (draft: Draft): PublishOptions => ({
  priority: draft.priority,
  ...(draft.key === undefined ? {} : { key: draft.key }),
  ...(draft.idempotencyKey === undefined ? {} : { idempotencyKey: draft.idempotencyKey }),
  ...(draft.headers === undefined ? {} : { headers: JSON.parse(draft.headers) }),
  ...(draft.contentType === undefined ? {} : { contentType: draft.contentType }),
  ...(draft.traceparent === undefined ? {} : { traceparent: draft.traceparent }),
  ...(draft.deliverAt === undefined ? {} : { deliverAt: draft.deliverAt }),
  ...(draft.expiresAt === undefined ? {} : { expiresAt: draft.expiresAt }),
  ...(draft.context === undefined ? {} : { context: JSON.parse(draft.context) })
})

/** The draft of what a hook returned. A payload left alone stays the text that arrived. */
const redraft = (draft: Draft, before: string, returned: Item): Effect.Effect<Draft, string> => {
  if (typeof returned !== "object" || returned === null) return Effect.fail("it returned no item")
  return draftFor(returned.topic, returned.payload, returned.options).pipe(
    Effect.mapError((error) => `it returned no item: ${reasonOf(error)}`),
    Effect.map((made) => {
      const { payload, payloadBytes } = draft
      return made.payload === before ? { ...made, payload, payloadBytes } : made
    })
  )
}

const reasonOf = (error: DraftError): string =>
  error._tag === "MessageInvalid"
    ? `${error.field}: ${error.reason}`
    : `${error.field} has ${error.sizeBytes} bytes, the limit is ${error.limitBytes}`
