/**
 * Claims: the idempotency keys that were young enough when the log was opened.
 *
 * They stand in the blocks, in the delayed messages, and in rows of their own once retention has
 * deleted their block. A key counts from the acceptance of its
 * message, however late that entered the log.
 */
import * as Effect from "effect/Effect"
import { type Claim, LogUnopened } from "../../services/MessageLog.ts"
import { BlockHeader } from "./BlockCodec.ts"
import { claimOf } from "./ClaimOf.ts"
import type { LogStore } from "./LogStore.ts"

/** Claims read at a time of those that stand in rows. */
const rowsPage = 10_000

/** Which claims are read: accepted since then (Unix milliseconds), the newest so many. */
export interface Wanted {
  readonly since: number
  readonly max: number
}

/** The claims of these blocks (newest first) and of rows, in order of acceptance. */
export const readClaims = Effect.fnUntraced(
  function*(store: LogStore["Service"], seqs: ReadonlyArray<number>, wanted: Wanted) {
    const claims = yield* blockClaims(store, seqs, wanted)
    const rows = yield* rowClaims(store, wanted)
    if (rows.length === 0) return claims.toReversed()
    return [...claims, ...rows]
      .toSorted((a, b) => a.acceptedAt - b.acceptedAt)
      .slice(-wanted.max)
  },
  Effect.catchTag(
    "LogUnavailable",
    ({ detail }) => Effect.fail(new LogUnopened({ reason: "Io", path: "log.db", detail }))
  )
)

/** The claims of these blocks (newest first), newest first. */
export const blockClaims = Effect.fnUntraced(
  function*(store: LogStore["Service"], seqs: ReadonlyArray<number>, { max, since }: Wanted) {
    const newestFirst: Array<Claim> = []
    let done = 0 // Blocks come in groups; see `readBlocks`.
    while (done < seqs.length && newestFirst.length < max) {
      const { blocks, count } = yield* store.readBlocks(seqs.slice(done, done + 256))
      for (const { bodies, header: bytes } of blocks) {
        const header = new BlockHeader(bytes)
        for (let at = header.entries - 1; at >= 0; at--) { // Newest first, without an array.
          const claim = header.hasClaim(at) ? claimOf(header.entry(at, bodies)) : undefined
          if (claim !== undefined && claim.acceptedAt >= since) newestFirst.push(claim)
        }
      }
      done += count
    }
    return newestFirst.slice(0, max)
  }
)

const rowClaims = Effect.fnUntraced(
  function*(store: LogStore["Service"], { max, since }: Wanted) {
    let claims: ReadonlyArray<Claim> = [] // The newest so far: pages ascend.
    let last: Claim | undefined // A cursor over the pages.
    do {
      const page: ReadonlyArray<Claim> = yield* store.rowClaims({
        since,
        after: last,
        limit: rowsPage
      })
      claims = [...claims, ...page].slice(-max)
      last = page.length < rowsPage ? undefined : page.at(-1)
    } while (last !== undefined)
    return claims
  }
)
