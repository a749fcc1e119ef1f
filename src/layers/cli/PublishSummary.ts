/**
 * What publishing many lines shows: progress to those who watch, a summary to all.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import { Output, print } from "./Output.ts"
import type { Tally } from "./PublishLines.ts"
import { grouped } from "./Table.ts"

/** Milliseconds between two updates of the progress. */
const progressInterval = 200

/** Back to the start of the line, and what stood there erased. */
const rewind = "\r\u001b[K"

/** Rewrites one line on a terminal, at most five times a second. */
export const makeProgress = Effect.fnUntraced(function*(tally: Ref.Ref<Tally>, startedAt: number) {
  const output = yield* Output
  const shownAt = yield* Ref.make(startedAt)
  if (!output.isWatched) return Effect.void
  return Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    if (now - (yield* Ref.get(shownAt)) < progressInterval) return
    yield* Ref.set(shownAt, now)
    yield* output.note(`${rewind}${tallyText(yield* Ref.get(tally), now - startedAt)}`)
  })
})

/** Prints what became of all lines. */
export const printSummary = Effect.fnUntraced(
  function*(tally: Ref.Ref<Tally>, startedAt: number, asJson: boolean) {
    const output = yield* Output
    const elapsedMs = (yield* Clock.currentTimeMillis) - startedAt
    const sum = yield* Ref.get(tally)
    if (output.isWatched) yield* output.note(rewind)
    yield* print(
      asJson
        ? JSON.stringify({
          ...sum,
          seconds: elapsedMs / 1_000,
          perSecond: rateOf(sum.accepted, elapsedMs)
        })
        : tallyText(sum, elapsedMs)
    )
  }
)

/** "accepted 12,345  refused 0  1.50 s  8,230 messages/s". */
const tallyText = ({ accepted, duplicates, refused }: Tally, elapsedMs: number): string =>
  [
    `accepted ${grouped(accepted)}`,
    ...(duplicates > 0 ? [`duplicates among them ${grouped(duplicates)}`] : []),
    `refused ${grouped(refused)}`,
    `${(elapsedMs / 1_000).toFixed(2)} s`,
    `${grouped(rateOf(accepted, elapsedMs))} messages/s`
  ].join("  ")

const rateOf = (accepted: number, elapsedMs: number): number =>
  Math.round(accepted * 1_000 / Math.max(elapsedMs, 1))
