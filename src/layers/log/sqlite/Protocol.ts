/**
 * What the main thread and the store's thread say to each other: one request, one reply.
 */
import type { DeadLetter, DeadLetterFilter } from "../../../domain/DeadLetter.ts"
import type { Claim, Cursor, Delayed, DelayedKey, OwnRow } from "../../../services/MessageLog.ts"
import type { Failure } from "../../drivers/sqlite/Failure.ts"
import type {
  BlocksRead,
  ClaimsRequest,
  Stored,
  StoreRecovered,
  Transaction,
  Truncation
} from "../LogStore.ts"
import type { DelayedPage } from "./DelayedTable.ts"

/** How the thread is started. `pagesMax` limits the database (pages of 16 KiB). */
export interface StartOptions {
  readonly directory: string
  readonly pagesMax: number | undefined
}

/** All rows but blocks and dead letters, as the last process left them; epoch 0 in a new log. */
export interface OpenedRows extends Omit<StoreRecovered, "idMillisMax"> {
  /** The greatest id of a delayed message. */
  readonly delayedIdMax: string | undefined
}

/** Headers, packed: thousands of small buffers would cost more than their contents. */
export interface PackedHeaders {
  readonly seqs: ReadonlyArray<number>
  readonly lengths: ReadonlyArray<number>
  readonly bytes: Uint8Array
  readonly damaged: ReadonlyArray<string>
  readonly next: number | undefined
}

/** Requests by name, with their replies. */
export interface Calls {
  /** Locks the directory, opens the database and reads its rows. */
  readonly open: { readonly request: undefined; readonly reply: OpenedRows }
  /** Begins an epoch: stores it with the attempts found in the journal. */
  readonly begin: {
    readonly request: {
      readonly epoch: number
      readonly cursors: ReadonlyArray<Cursor>
      readonly ownRows: ReadonlyArray<OwnRow>
    }
    readonly reply: undefined
  }
  readonly transact: { readonly request: Transaction; readonly reply: Stored }
  readonly headers: { readonly request: number; readonly reply: PackedHeaders }
  readonly readBlocks: { readonly request: ReadonlyArray<number>; readonly reply: BlocksRead }
  readonly deadLetters: {
    readonly request: {
      readonly filter: DeadLetterFilter
      readonly after: number
      readonly limit: number
    }
    readonly reply: ReadonlyArray<DeadLetter>
  }
  readonly delayed: {
    readonly request: {
      readonly after: DelayedKey | undefined
      readonly limit: number
      readonly bytesMax: number
    }
    readonly reply: DelayedPage
  }
  readonly findDelayed: { readonly request: string; readonly reply: Delayed | undefined }
  readonly rowClaims: {
    readonly request: ClaimsRequest
    readonly reply: ReadonlyArray<Claim>
  }
  readonly truncate: {
    readonly request: Truncation
    readonly reply: { readonly sizeBytes: number }
  }
  /** Marks the log as closed and lets go of it. */
  readonly close: { readonly request: undefined; readonly reply: undefined }
}

/** The name of a request. */
export type Name = keyof Calls

/** A request as it is posted. */
export type Request = {
  readonly [N in Name]: { readonly name: N; readonly body: Calls[N]["request"] }
}[Name]

/** Replies come in the order of the requests. */
export type Reply =
  | { readonly ok: true; readonly body: Calls[Name]["reply"] }
  | { readonly ok: false; readonly failure: Failure }
