/**
 * A server without keys: requests need none, and no credential is one.
 */
import * as Layer from "effect/Layer"
import { ApiKeys, type KeyCounts } from "../../services/ApiKeys.ts"

const none: KeyCounts = { keys: 0, reloads: 0, reloadFailures: 0, stale: false }

/** No keys at all. */
export const layer: Layer.Layer<ApiKeys> = Layer.succeed(
  ApiKeys,
  ApiKeys.of({
    required: false,
    verify: () => undefined,
    isCurrent: () => false,
    onChange: () => undefined,
    counts: () => none
  })
)
