/**
 * Openness: whether the bus takes anything now, and how it refuses when it does not.
 */
import * as Effect from "effect/Effect"
import { BusClosed } from "../../services/MessageBus.ts"
import type { Core } from "./Core.ts"

/** Whether everything is taken: also while load balancers still send here. Source: design, P7. */
export const isOpen = ({ state }: Core): boolean => state === "Running" || state === "Leaving"

/** The refusal of a bus that is not open. */
export const closedOf = ({ state }: Core): BusClosed =>
  new BusClosed({ state: state === "NotStarted" || state === "Closed" ? state : "Closing" })

/** Fails unless the bus is open. */
export const whenOpen = (core: Core): Effect.Effect<void, BusClosed> =>
  Effect.suspend(() => isOpen(core) ? Effect.void : Effect.fail(closedOf(core)))
