/**
 * No agents: a process without `AGENTS_DIR`, which has nothing to load and has started at once.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agents, type AgentsSnapshot } from "../../services/Agents.ts"

const none: AgentsSnapshot = { state: "Started", loading: [], loaded: [], failed: [] }

/** Nothing to load. */
export const layer: Layer.Layer<Agents> = Layer.succeed(Agents, {
  load: Effect.void,
  snapshot: () => none
})
