/**
 * The port of the block log: what it needs of a durable store, in its own terms.
 *
 * One store is SQLite, the other one is simulated. A store keeps what it is given; offsets, group
 * commit, directory and reading are the block log's.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { DeadLetter, DeadLetterFilter } from "../../domain/DeadLetter.ts"
import type {
  Changes,
  Claim,
  Delayed,
  DelayedKey,
  Durability,
  LogUnavailable,
  LogUnopened,
  Recovered,
  Take
} from "../../services/MessageLog.ts"
import type { StoredBlock } from "./BlockCodec.ts"

/** What is committed at once, all or nothing. `changes` take effect in order. */
export interface Transaction {
  /** The number its block has or would have; blocks of this number and above never were. */
  readonly seq: number
  readonly block: StoredBlock | undefined
  readonly changes: ReadonlyArray<Changes>
}

/** A transaction that is stored: its block came back with checksums. */
export interface Stored {
  readonly block: StoredBlock | undefined
  readonly sizeBytes: number
}

/** What is known of all lanes, so that nothing starts anew when every block is gone. */
export interface LaneBounds {
  /** By log lane: the next offset, and the first retained one. */
  readonly heads: Float64Array
  readonly firsts: Float64Array
  /** The latest time an id carries (Unix milliseconds). */
  readonly idMillisMax: number
}

/**
 * Deletes all blocks below one, and stores the bounds of the lanes and those claims of the blocks
 * that still count. Of all claims stored so, it forgets those accepted before `claimsSince`, and
 * the oldest beyond `claimsMax`.
 */
export interface Truncation {
  readonly below: number
  readonly bounds: LaneBounds
  readonly claims: ReadonlyArray<Claim>
  readonly claimsSince: number
  readonly claimsMax: number
}

/**
 * What stood in the store when it was opened, attempts of the journal merged in. `idMillisMax` is
 * that of delayed messages.
 */
export interface StoreRecovered extends Omit<Recovered, "claims"> {
  readonly sizeBytes: number
  /** As of the last truncation, if there was one. */
  readonly bounds: LaneBounds | undefined
}

/** Claims accepted at or after `since`, ascending after `after`. */
export interface ClaimsRequest {
  readonly since: number
  readonly after: { readonly acceptedAt: number; readonly id: string } | undefined
  readonly limit: number
}

/** Some stored headers, ascending; a damaged one is set aside and named by a sentence. */
export interface HeaderPage {
  readonly headers: ReadonlyArray<Omit<StoredBlock, "bodies">>
  readonly damaged: ReadonlyArray<string>
  /** Ask for what is above this block next; `undefined` at the end. */
  readonly next: number | undefined
}

/** What was read of the blocks asked for: the first `count` of them, without any that is gone. */
export interface BlocksRead {
  readonly blocks: ReadonlyArray<StoredBlock>
  readonly count: number
}

/** Hand-outs, noted so that they outlive the process. */
export interface AttemptsJournal {
  readonly note: (takes: ReadonlyArray<Take>) => Effect.Effect<void, LogUnavailable>
  /**
   * Begins a checkpoint: the function it returns forgets everything noted before. `undefined` while
   * another one is under way.
   */
  readonly checkpoint: () => Checkpoint | undefined
}

/** Ends a checkpoint, by forgetting what it covers or by keeping it. */
export type Checkpoint = (outcome: "Committed" | "Failed") => void

/** An open store; closed with the scope of its layer. */
export class LogStore extends Context.Service<LogStore, {
  /** What every transaction reaches. */
  readonly durability: Durability
  readonly recovered: StoreRecovered
  /** Stores a transaction durably; one at a time. After a failure none of it is stored. */
  readonly transact: (transaction: Transaction) => Effect.Effect<Stored, LogUnavailable>
  /** The headers of the blocks above `after`, which only the opening reads. */
  readonly headers: (after: number) => Effect.Effect<HeaderPage, LogUnopened>
  /** Reads at least one of the blocks asked for, and as many as make a reasonable reply. */
  readonly readBlocks: (seqs: ReadonlyArray<number>) => Effect.Effect<BlocksRead, LogUnavailable>
  readonly deadLetters: (
    filter: DeadLetterFilter,
    after: number,
    limit: number,
    asOf?: "Now" | "Lately"
  ) => Effect.Effect<ReadonlyArray<DeadLetter>, LogUnavailable>
  /** Delayed messages after a place in due order; at least one, whatever its bytes. */
  readonly delayed: (
    after: DelayedKey | undefined,
    limit: number,
    bytesMax: number
  ) => Effect.Effect<ReadonlyArray<Delayed>, LogUnavailable>
  readonly findDelayed: (id: string) => Effect.Effect<Option.Option<Delayed>, LogUnavailable>
  /** Claims of delayed messages and of deleted blocks, which only the opening reads. */
  readonly rowClaims: (
    request: ClaimsRequest
  ) => Effect.Effect<ReadonlyArray<Claim>, LogUnavailable>
  /** Deletes durably, beside transactions, one at a time; after a failure all may be there yet. */
  readonly truncate: (
    truncation: Truncation
  ) => Effect.Effect<{ readonly sizeBytes: number }, LogUnavailable>
  readonly journal: AttemptsJournal
}>()("codefactory/layers/log/LogStore") {}
