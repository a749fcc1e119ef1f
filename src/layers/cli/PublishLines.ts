/**
 * Publishing line by line: batch after batch, counting what became of each line.
 *
 * One batch is on its way at a time, so that lines are accepted in their order.
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type BusClient, type ClientError, problemText } from "./BusClient.ts"
import type { Line } from "./Lines.ts"
import { parse } from "./LosslessJson.ts"
import { note } from "./Output.ts"

/** Most messages of one batch. */
export const batchMax = 1_000

/** Most characters of one batch: the bus takes 16 MiB, and a character has at most 3 bytes. */
const batchLengthMax = 5 * 1_048_576

/** Refused lines that are shown one by one; the others are only counted. */
const refusalsShownMax = 5

/** What became of the lines so far. */
export interface Tally {
  readonly accepted: number
  readonly duplicates: number
  readonly refused: number
}

/** The tally of nothing. */
export const tallyEmpty: Tally = { accepted: 0, duplicates: 0, refused: 0 }

const Results = Schema.Struct({
  results: Schema.Array(Schema.Union([
    Schema.Struct({ id: Schema.String, duplicate: Schema.Boolean }),
    Schema.Struct({ error: Schema.Unknown })
  ]))
})

/**
 * Publishes all lines, each made into the JSON of a message by `wrap`. `tally` is up to date also
 * when this fails or is interrupted; `answered` runs after every batch.
 */
export const publishLines = <E, R>(
  bus: BusClient,
  lines: Stream.Stream<ReadonlyArray<Line>, E, R>,
  wrap: (text: string) => string,
  tally: Ref.Ref<Tally>,
  answered: Effect.Effect<void>
): Effect.Effect<void, E | ClientError, R> => {
  const send = Effect.fnUntraced(function*(batch: ReadonlyArray<Line>) {
    const results = yield* post(bus, batch, wrap)
    const refusals = batch.flatMap((line, index) => {
      const result = results[index]
      return result === undefined || "error" in result
        ? [{ line, reason: problemText(result?.error, 500) }]
        : []
    })
    const duplicates = results.filter((result) => "duplicate" in result && result.duplicate).length
    yield* refuse(tally, refusals)
    yield* Ref.update(tally, (sum) => ({
      ...sum,
      accepted: sum.accepted + batch.length - refusals.length,
      duplicates: sum.duplicates + duplicates
    }))
    yield* answered
  })

  return Stream.runForEach(
    lines,
    Effect.fnUntraced(function*(some) {
      const judged = some.map((line) => ({ line, parsed: parse(line.text) }))
      yield* refuse(
        tally,
        judged.flatMap(({ line, parsed }) =>
          parsed._tag === "Failure" ? [{ line, reason: parsed.failure }] : []
        )
      )
      const sound = judged.flatMap(({ line, parsed }) => parsed._tag === "Success" ? [line] : [])
      yield* Effect.forEach(batchesOf(sound), send, { discard: true })
    })
  )
}

/** Counts refused lines and shows the first ones. */
const refuse = Effect.fnUntraced(function*(
  tally: Ref.Ref<Tally>,
  refusals: ReadonlyArray<{ readonly line: Line; readonly reason: string }>
) {
  const { refused } = yield* Ref.getAndUpdate(tally, (sum) => ({
    ...sum,
    refused: sum.refused + refusals.length
  }))
  for (const { line, reason } of refusals.slice(0, Math.max(0, refusalsShownMax - refused))) {
    yield* note(`line ${line.number} refused: ${reason}`)
  }
  if (refused <= refusalsShownMax && refused + refusals.length > refusalsShownMax) {
    yield* note("further refused lines are only counted")
  }
})

/** The results of a batch, also of one that was refused as a whole because of its items. */
const post = (bus: BusClient, batch: ReadonlyArray<Line>, wrap: (text: string) => string) =>
  bus.request(Results, "POST", "/v1/messages", {
    text: batch.map(({ text }) => wrap(text)).join("\n"),
    type: "application/x-ndjson"
  }).pipe(
    Effect.catchTag(
      "RequestRefused",
      (refused) =>
        Schema.decodeUnknownEffect(Results)(refused.body).pipe(Effect.mapError(() => refused))
    ),
    Effect.tapError(() =>
      note(`lines ${batch[0]?.number} to ${batch.at(-1)?.number}: not known to be accepted`)
    ),
    Effect.map(({ results }) => results)
  )

/** Cuts lines into batches within the limits. */
const batchesOf = (lines: ReadonlyArray<Line>): ReadonlyArray<ReadonlyArray<Line>> => {
  const batches: Array<Array<Line>> = []
  let length = 0 // Mutable: the length of the last batch so far.
  for (const line of lines) {
    const last = batches.at(-1)
    length += line.text.length
    if (last === undefined || last.length === batchMax || length > batchLengthMax) {
      batches.push([line])
      length = line.text.length
    } else last.push(line)
  }
  return batches
}
