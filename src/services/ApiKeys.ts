/**
 * API keys: what a credential allows.
 */
import * as Context from "effect/Context"
import type { Grant } from "../domain/ApiKey.ts"

/** The state of the keys, for metrics and readiness. */
export interface KeyCounts {
  readonly keys: number
  /** Times that changed keys were taken over since the start. */
  readonly reloads: number
  /** Times that changed keys were not usable, so that the former ones stayed. */
  readonly reloadFailures: number
  /** The last change was not usable. */
  readonly stale: boolean
}

/** The keys. Changes take effect within 5 s; ones that are not usable leave the former in force. */
export class ApiKeys extends Context.Service<ApiKeys, {
  /** Whether requests need a key; without keys everybody who reaches the server is let in. */
  readonly required: boolean
  /**
   * What a credential `id.secret` allows; `undefined` if there is no such key. Takes the same time
   * whether the id is unknown or the secret wrong.
   */
  readonly verify: (credential: string) => Grant | undefined
  /** Whether a grant is still in force: its key is there, and allows the same as before. */
  readonly isCurrent: (grant: Grant) => boolean
  /** Calls `listener` after each change of the keys. */
  readonly onChange: (listener: () => void) => void
  readonly counts: () => KeyCounts
}>()("codefactory/services/ApiKeys") {}
