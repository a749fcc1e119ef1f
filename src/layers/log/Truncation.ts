/**
 * Truncation: deletes the oldest blocks that may go, as many as one transaction should.
 *
 * Blocks ascend with the offsets of every lane, so one look-up per lane finds the oldest block that
 * is still needed; everything before it may go. Entries are out of sight before their block is
 * deleted, so that no reader takes a deleted one for a damaged one. Idempotency keys of a deleted
 * block that still count are stored aside in the same transaction: they outlive their messages.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { logLaneCount } from "../../domain/Position.ts"
import type { LogUnavailable, Truncated, TruncateRequest } from "../../services/MessageLog.ts"
import type { BlockIndex } from "./BlockIndex.ts"
import type { LogStore } from "./LogStore.ts"
import { blockClaims } from "./StoredClaims.ts"

/** How long idempotency keys count (milliseconds), and how many are kept. */
export interface ClaimsKept {
  readonly forMs: number
  readonly max: number
}

/**
 * Most of one call: SQLite reads every page of a block it deletes, and the next commit waits; 1 MiB
 * takes half a millisecond, 4 MiB five (measured). At least one block goes, whatever its size.
 */
export const truncationMax = { blocks: 256, bytes: 1_048_576 } as const

/** Deletes in `store` what `index` knows. */
export const make =
  (store: LogStore["Service"], index: BlockIndex, kept: ClaimsKept) =>
  (request: TruncateRequest): Effect.Effect<Truncated, LogUnavailable> => {
    // At the call, not when the effect runs: what is needed may have changed by then.
    const { below, bytes, more } = plan(index, request)
    if (below === 0) return Effect.succeed({ entries: 0, bytes: 0, more: false })
    const entries = hide(index, below, request.needed)
    const bounds = boundsOf(index)
    return Effect.gen(function*() {
      const claimsSince = (yield* Clock.currentTimeMillis) - kept.forMs
      const wanted = { since: claimsSince, max: kept.max }
      const claims = yield* blockClaims(store, claiming(index, below, claimsSince), wanted)
      const { sizeBytes } = yield* store.truncate({
        below,
        bounds,
        claims,
        claimsSince,
        claimsMax: kept.max
      })
      index.drop(below)
      index.sizeBytes = sizeBytes
      return { entries, bytes, more }
    })
  }

/** The blocks below `below`, newest first, with idempotency keys that may still count. */
const claiming = ({ times }: BlockIndex, below: number, since: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let place = 0; place < times.length; place++) { // At most the budget of one call.
    const time = times.at(place)
    if (time === undefined || time.block >= below) break
    if (time.claims > 0 && time.enteredMax >= since) found.push(time.block)
  }
  return found.toReversed()
}

/** All blocks below `below` go; 0 for none. */
const plan = (index: BlockIndex, { bytesMax, needed, olderThan }: TruncateRequest) => {
  const { directory, times } = index
  const lanes = Array.from({ length: logLaneCount }, (_, logLane) => logLane)
  const kept = Math.min(
    ...lanes.map((logLane) => directory.blockFrom(logLane, needed[logLane] ?? 0))
  )
  let bytes = 0 // Running sums over at most one more block than the budget.
  let below = 0
  for (let place = 0; place < times.length; place++) {
    const time = times.at(place)
    const mayGo = time !== undefined && time.block < kept &&
      (time.enteredMax < olderThan || index.sizeBytes - bytes > bytesMax)
    if (!mayGo) return { below, bytes, more: false }
    const isFull = place >= truncationMax.blocks || bytes + time.bytes > truncationMax.bytes
    if (isFull && place > 0) return { below, bytes, more: true }
    bytes += time.bytes
    below = time.block + 1
  }
  return { below, bytes, more: false }
}

/** Puts the entries of all blocks below `below` out of sight; returns how many. */
const hide = ({ directory }: BlockIndex, below: number, needed: ArrayLike<number>): number => {
  let hidden = 0 // A sum over the lanes.
  for (let logLane = 0; logLane < logLaneCount; logLane++) {
    const before = directory.first(logLane)
    const first = directory.firstFrom(logLane, below, needed[logLane] ?? 0)
    directory.raiseFirst(logLane, first)
    hidden += first - before
  }
  return hidden
}

/** What must be known of the lanes even when no block is left. */
const boundsOf = ({ directory, idMillisMax }: BlockIndex) => ({
  heads: Float64Array.from({ length: logLaneCount }, (_, logLane) => directory.head(logLane)),
  firsts: Float64Array.from({ length: logLaneCount }, (_, logLane) => directory.first(logLane)),
  idMillisMax
})
