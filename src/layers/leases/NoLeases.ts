/**
 * No leases: several pods that share nothing could each grant the same one, so none does.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LeaseLost, Leases, LeasesUnavailable } from "../../services/Leases.ts"

const detail = "several pods need DATABASE_URL, or ENABLE_REDIS=1, to share leases; " +
  "set SINGLE_POD=1 if this is the only one"

/** Refuses every lease. */
export const layer: Layer.Layer<Leases> = Layer.succeed(Leases, {
  scope: "process",
  acquire: () => Effect.fail(new LeasesUnavailable({ detail })),
  renew: ({ name }) => Effect.fail(new LeaseLost({ name })),
  release: ({ name }) => Effect.fail(new LeaseLost({ name }))
})
