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
import { claimsMax } from "../../domain/IdempotencyKey.ts"
import {
  type Claim,
  type LogEntry,
  type LogUnavailable,
  LogUnopened,
  MessageLog,
  type Recovered
} from "../../services/MessageLog.ts"
import { BlockHeader } from "./BlockCodec.ts"
import { BlockIndex } from "./BlockIndex.ts"
import * as BlockReader from "./BlockReader.ts"
import * as GroupCommit from "./GroupCommit.ts"
import { LogStore, type StoreRecovered } from "./LogStore.ts"

/** The log over whatever store there is; `claimsFor` is how long idempotency keys are kept. */
export const layer = (
  claimsFor: Duration.Duration
): Layer.Layer<MessageLog, LogUnopened, LogStore> =>
  Layer.effect(
    MessageLog,
    Effect.gen(function*() {
      const store = yield* LogStore
      const index = new BlockIndex()
      const now = yield* Clock.currentTimeMillis
      const recovered = yield* recover(store, index, now - Duration.toMillis(claimsFor))
      const submit = yield* GroupCommit.make(store, index)
      const nothing = () => {}
      return MessageLog.of({
        durability: "local",
        retainsSettled: true,
        journals: true,
        recovered,
        first: () => 0, // Nothing is deleted yet: retention comes with its own change.
        head: index.head,
        sizeBytes: () => index.sizeBytes,
        append: (entries, onDone) => submit(entries, undefined, onDone),
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
        journal: (takes) =>
          Effect.suspend(() => {
            const failure = store.journal.note(takes)
            return failure === undefined ? Effect.void : Effect.fail(failure)
          }),
        ...BlockReader.make(store, index),
        deadLetters: store.deadLetters,
        release: nothing
      })
    })
  )

/** Rebuilds the index from the headers of all blocks, and reads the claims still valid. */
const recover = Effect.fnUntraced(function*(
  store: LogStore["Service"],
  index: BlockIndex,
  claimsSince: number
) {
  const damaged = [...store.recovered.damaged]
  const claiming: Array<number> = []
  let after: number | undefined = 0 // A cursor over the pages of headers.
  let idMillisMax = 0
  while (after !== undefined) {
    const page: Effect.Success<ReturnType<typeof store.headers>> = yield* store.headers(after)
    for (const { header: bytes, seq } of page.headers) {
      const header = new BlockHeader(bytes)
      index.addAll(seq, header)
      if (header.idMillisMax > idMillisMax) idMillisMax = header.idMillisMax
      if (header.claims > 0 && header.publishedMax >= claimsSince) claiming.push(seq)
    }
    damaged.push(...page.damaged)
    after = page.next
  }
  raiseHeads(index, store.recovered)
  index.sizeBytes = store.recovered.sizeBytes
  const claims = yield* readClaims(store, claiming.toReversed(), claimsSince)
  return { ...store.recovered, damaged, idMillisMax, claims } satisfies Recovered
})

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

/** The claims of these blocks (newest first), in order of acceptance. */
const readClaims = Effect.fnUntraced(
  function*(store: LogStore["Service"], seqs: ReadonlyArray<number>, since: number) {
    const newestFirst: Array<Claim> = []
    let done = 0 // Blocks come in groups; see `readBlocks`.
    while (done < seqs.length && newestFirst.length < claimsMax) {
      const { blocks, count } = yield* store.readBlocks(seqs.slice(done, done + 256))
      for (const { bodies, header: bytes } of blocks) {
        const header = new BlockHeader(bytes)
        for (let at = header.entries - 1; at >= 0; at--) {
          const claim = header.hasClaim(at) ? claimOf(header.entry(at, bodies)) : undefined
          if (claim !== undefined && claim.acceptedAt >= since) newestFirst.push(claim)
        }
      }
      done += count
    }
    return newestFirst.slice(0, claimsMax).toReversed()
  },
  Effect.catchTag(
    "LogUnavailable",
    ({ detail }: LogUnavailable) =>
      Effect.fail(new LogUnopened({ reason: "Io", path: "log.db", detail }))
  )
)

const claimOf = (entry: LogEntry | undefined): Claim | undefined => {
  if (entry?.fingerprint === undefined) return undefined
  const { id, idempotencyKey, key, publishedAt, topic } = entry.message
  return { topic, key, idempotencyKey, fingerprint: entry.fingerprint, id, acceptedAt: publishedAt }
}
