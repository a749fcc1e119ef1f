/**
 * The calls that name topics, for the program itself and for its plugins, which keep to topics and
 * subscriptions of their own.
 */
import * as Effect from "effect/Effect"
import { MessageInvalid } from "../../domain/Message.ts"
import { isTopicName } from "../../domain/Topic.ts"
import type { TypedTopic } from "../../domain/TypedTopic.ts"
import type {
  Calls,
  HandleOptions,
  Plugin,
  PublishOptions,
  RequestOptions
} from "../../services/CodeFactory.ts"
import type { Delivery, MessageBus } from "../../services/MessageBus.ts"
import { handleWith } from "./Handling.ts"
import { publishWith } from "./Publishing.ts"
import { requestWith, respondWith } from "./Requesting.ts"

/** Longest name of a plugin, in characters: topics need the rest. */
export const pluginNameLengthMax = 100

/** The calls of a program. */
export const callsOf = (bus: MessageBus["Service"]): Calls => looseCallsOf(bus)

/** The calls of a plugin; its name is one segment of a topic. */
export const pluginWith = (bus: MessageBus["Service"]) => {
  const raw = callsOf(bus)
  return (name: string): Effect.Effect<Plugin, MessageInvalid> =>
    Effect.suspend(() => {
      if (!isTopicName(name) || name.includes(".") || name.length > pluginNameLengthMax) {
        const reason = `expected 1 to ${pluginNameLengthMax} letters, digits, '_' and '-'`
        return Effect.fail(new MessageInvalid({ field: "plugin", reason }))
      }
      const prefix = `plugin.${name}.`
      return Effect.succeed({ ...callsUnder(bus, prefix), prefix, raw })
    })
}

const callsUnder = (bus: MessageBus["Service"], prefix: string): Calls => {
  const { handle, publish, request, respond } = looseCallsOf(bus)
  return {
    publish: <A>(topic: Topic<A>, payload: unknown, options?: PublishOptions) =>
      publish(under(prefix, topic), payload, options),
    handle: <A, E, R>(
      name: string,
      topic: Topic<A>,
      handler: Handler<E, R>,
      options?: HandleOptions
    ) => handle(prefix + name, under(prefix, topic), handler, options),
    request: <A>(topic: Topic<A>, payload: unknown, options?: RequestOptions) =>
      request(under(prefix, topic), payload, options),
    respond: <A, E, R>(
      name: string,
      topic: Topic<A>,
      responder: Handler<E, R>,
      options?: HandleOptions
    ) => respond(prefix + name, under(prefix, topic), responder, options)
  }
}

/** As `callsOf`, without the types that pair a topic with its payloads. */
const looseCallsOf = (bus: MessageBus["Service"]) => ({
  publish: publishWith(bus),
  handle: handleWith(bus),
  request: requestWith(bus),
  respond: respondWith(bus)
})

type Topic<A> = string | TypedTopic<A>
type Handler<E, R> = (payload: never, delivery: Delivery) => Effect.Effect<unknown, E, R>

/** The same topic below the prefix. */
const under = <A>(prefix: string, topic: Topic<A>): Topic<A> =>
  typeof topic === "string"
    ? prefix + topic
    : { ...topic, name: (prefix + topic.name) as typeof topic.name } // Whoever uses it checks it.
