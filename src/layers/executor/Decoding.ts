/**
 * Decoding: payloads of typed topics, for handlers of agents.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { PermanentFailure } from "../../domain/Delivery.ts"
import type { TypedTopic } from "../../domain/TypedTopic.ts"

/** Decodes payloads of a topic; one that does not fit is dead at once. */
export const decodingOf = (
  { schema }: TypedTopic<unknown>
): (payload: unknown) => Effect.Effect<unknown, PermanentFailure> => {
  const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(schema))
  return (payload) =>
    Effect.mapError(
      decode(payload),
      (error) => new PermanentFailure({ reason: `payload: ${error.message}` })
    )
}
