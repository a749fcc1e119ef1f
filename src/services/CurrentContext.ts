/**
 * Where the execution context of the running fibre is kept.
 *
 * Apart from what is done with it, because it loads next to nothing: threads start with it.
 */
import * as Context from "effect/Context"
import { type Carried, nothing } from "../domain/ExecutionContext.ts"

/** The current context; empty unless set. */
export const reference: Context.Reference<Carried> = Context.Reference<Carried>(
  "codefactory/services/ExecutionContext",
  { defaultValue: () => nothing }
)
