/**
 * Embedding: the bus with values instead of JSON text, for programs that contain it.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CodeFactory } from "../../services/CodeFactory.ts"
import { MessageBus } from "../../services/MessageBus.ts"
import { handleDeliveriesWith } from "./Handling.ts"
import { afterPublishWith, beforePublishWith } from "./Hooking.ts"
import { callsOf, pluginWith } from "./Plugins.ts"
import { publishManyWith } from "./Publishing.ts"

/** The embedded bus over the bus that is provided. */
export const layer: Layer.Layer<CodeFactory, never, MessageBus> = Layer.effect(
  CodeFactory,
  Effect.map(MessageBus, (bus) =>
    CodeFactory.of({
      bus,
      ...callsOf(bus),
      handleDeliveries: handleDeliveriesWith(bus),
      publishMany: publishManyWith(bus),
      plugin: pluginWith(bus),
      beforePublish: beforePublishWith(bus),
      afterPublish: afterPublishWith(bus)
    }))
)
