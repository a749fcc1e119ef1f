/**
 * What every front is told: what to serve, where, and what it bears of slow clients.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { EdgeUnbound } from "../../services/EdgeAddress.ts"
import type { HttpMetrics } from "../observe/HttpMetrics.ts"
import type { App } from "./Admission.ts"

/** Where to listen; port 0 is any free one. `setting` chose the port, for the error. */
export interface Listening {
  readonly host: string
  readonly port: number
  readonly setting: EdgeUnbound["setting"]
}

/** What a server bears of slow clients; the limits of `EdgeLimits.ts` unless a test says less. */
export type Patience = Record<
  "headTimeoutMs" | "requestTimeoutMs" | "slowCheckMs" | "unreadMs" | "unreadBytesMax",
  number
>

/** What a front serves and where. */
export interface FrontOptions extends Listening {
  readonly app: App
  readonly metrics: HttpMetrics
  /** For tests that cannot wait as long as real clients may. */
  readonly patience?: Partial<Patience> | undefined
}

/** Listens until the scope closes; gives the bound port. Running requests may finish meanwhile. */
export type Serve = (options: FrontOptions) => Effect.Effect<number, EdgeUnbound, Scope.Scope>
