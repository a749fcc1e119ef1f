/**
 * The durable log over a store: blocks of messages, one for each group commit, and a directory of
 * them in memory.
 *
 * Measured beside one row per message: seven times the throughput at 64 messages per commit (see
 * ARCHITECTURE.md and `bench/store.ts`).
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { claimsMax } from "../../domain/IdempotencyKey.ts"
import { type LogUnopened, MessageLog, type Recovered } from "../../services/MessageLog.ts"
import { BlockHeader } from "./BlockCodec.ts"
import { BlockIndex } from "./BlockIndex.ts"
import * as BlockReader from "./BlockReader.ts"
import * as GroupCommit from "./GroupCommit.ts"
import { type LaneBounds, LogStore, type StoreRecovered } from "./LogStore.ts"
import { readClaims, type Wanted } from "./StoredClaims.ts"
import { tenureOf } from "./Tenure.ts"
import * as Truncation from "./Truncation.ts"

/** The log over whatever store there is; `claimsFor` is how long how many keys are kept. */
export const layer = (
  claimsFor: Duration.Duration,
  keysMax = claimsMax
): Layer.Layer<MessageLog, LogUnopened, LogStore> =>
  Layer.effect(
    MessageLog,
    Effect.flatMap(LogStore, (store) => make(store, { claimsFor, keysMax, cacheBytesMax }))
  )

/** Bytes of blocks that a log keeps at hand. */
export const cacheBytesMax = 32 * 1_048_576

/** How a log over a store is opened. */
export interface BlockLogOptions {
  /** How long idempotency keys are remembered, and how many. */
  readonly claimsFor: Duration.Duration
  readonly keysMax: number
  /** Bytes of blocks that are kept at hand. */
  readonly cacheBytesMax: number
}

/** Opens the log over a store; closing the scope stores what waits. */
export const make = (
  store: LogStore["Service"],
  { cacheBytesMax, claimsFor, keysMax }: BlockLogOptions
): Effect.Effect<MessageLog["Service"], LogUnopened, Scope.Scope> =>
  Effect.gen(function*() {
    const index = new BlockIndex(cacheBytesMax)
    const now = yield* Clock.currentTimeMillis
    const recovered = yield* recover(store, index, {
      since: now - Duration.toMillis(claimsFor),
      max: keysMax
    })
    const submit = yield* GroupCommit.make(store, index)
    const nothing = () => {}
    return MessageLog.of({
      durability: store.durability,
      retainsSettled: true,
      isPartitioned: false,
      journals: true,
      recovered,
      ...tenureOf(recovered),
      first: (logLane) => index.directory.first(logLane),
      head: index.head,
      sizeBytes: () => index.sizeBytes,
      bytesFrom: (logLane, offset) => index.directory.bytesFrom(logLane, offset),
      oldest: () => index.times.at(0)?.enteredMax,
      append: (entries, onDone, changes) => submit(entries, changes, onDone),
      commit: (changes, onCommitted = nothing) => {
        // At the call, not when the effect runs: `changes` know nothing of what is taken between.
        const checkpoint = changes.checkpoint === true ? store.journal.checkpoint() : undefined
        return Effect.callback((resume) =>
          submit([], changes, (failure) => {
            checkpoint?.(failure === undefined ? "Committed" : "Failed")
            if (failure !== undefined) return () => resume(Effect.fail(failure))
            onCommitted()
            return () => resume(Effect.void)
          })
        )
      },
      journal: store.journal.note,
      ...BlockReader.make(store, index),
      delayed: store.delayed,
      findDelayed: store.findDelayed,
      truncate: Truncation.make(store, index, {
        forMs: Duration.toMillis(claimsFor),
        max: keysMax
      }),
      deadLetters: store.deadLetters,
      release: nothing
    })
  })

/** Rebuilds the index from the headers of all blocks, and reads the claims still valid. */
const recover = Effect.fnUntraced(function*(
  store: LogStore["Service"],
  index: BlockIndex,
  wanted: Wanted
) {
  const damaged = [...store.recovered.damaged]
  const claiming: Array<number> = []
  const { bounds } = store.recovered
  restoreBounds(index, bounds)
  let after: number | undefined = 0 // A cursor over the pages of headers.
  while (after !== undefined) {
    const page: Effect.Success<ReturnType<typeof store.headers>> = yield* store.headers(after)
    for (const { header: bytes, seq } of page.headers) {
      const header = new BlockHeader(bytes)
      index.addAll(seq, header)
      if (header.claims > 0 && header.enteredMax >= wanted.since) claiming.push(seq)
    }
    damaged.push(...page.damaged)
    after = page.next
  }
  raiseHeads(index, store.recovered)
  index.sizeBytes = store.recovered.sizeBytes
  const claims = yield* readClaims(store, claiming.toReversed(), wanted)
  const idMillisMax = Math.max(index.idMillisMax, store.recovered.idMillisMax)
  return { ...store.recovered, damaged, idMillisMax, claims } satisfies Recovered
})

const restoreBounds = (index: BlockIndex, bounds: LaneBounds | undefined): void => {
  index.idMillisMax = bounds?.idMillisMax ?? 0
  bounds?.heads.forEach((head, logLane) => index.directory.raise(logLane, head))
  bounds?.firsts.forEach((first, logLane) => index.directory.raiseFirst(logLane, first))
}

/**
 * Where the last blocks were lost, progress beyond them tells that they were there: an offset given
 * out twice would be taken for settled.
 */
const raiseHeads = (index: BlockIndex, { cursors, subscriptions }: StoreRecovered): void => {
  const { directory } = index
  for (const { starts } of subscriptions) {
    starts.forEach((start, logLane) => directory.raise(logLane, start))
  }
  for (const { attempts, floor, logLane, ranges } of cursors) {
    const handedOut = attempts.filter((_, at) => at % 2 === 0).map((offset) => offset + 1)
    directory.raise(logLane, Math.max(floor, ranges.at(-1) ?? 0, ...handedOut))
  }
}
