/**
 * The budget of bodies: what all bodies that are being read on a server take together.
 */
import { edgeLimits } from "./EdgeLimits.ts"
import { Refusal } from "./Refusal.ts"

/** Bytes of bodies that are being read on all connections of a server. Mutable: a count. */
export interface BodyBudget {
  bytes: number
}

/** Why `bytes` more cannot be read now, which are counted then; `undefined` if they can. */
export const charge = (budget: BodyBudget, bytes: number): Refusal | undefined => {
  budget.bytes += bytes
  return budget.bytes > edgeLimits.bodiesBytesMax
    ? Refusal.EdgeBusy({ limitBytes: edgeLimits.bodiesBytesMax })
    : undefined
}
