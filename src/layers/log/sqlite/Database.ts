/**
 * The open database of a log: every request of the protocol, run synchronously. Throws what SQLite
 * throws; the thread turns that into values.
 */
import { accessSync, constants, mkdirSync, statSync } from "node:fs"
import { join } from "node:path"
import type { DatabaseSync, StatementSync } from "node:sqlite"
import type { Claim, Delayed } from "../../../services/MessageLog.ts"
import { type Failure, reasonOf } from "../../drivers/sqlite/Failure.ts"
import { openDatabase, openLock } from "../../drivers/sqlite/Open.ts"
import type { StoredBlock } from "../BlockCodec.ts"
import { seal } from "../BlockLayout.ts"
import type { BlocksRead, ClaimsRequest, Stored, Transaction, Truncation } from "../LogStore.ts"
import type { DelayedPage } from "./DelayedTable.ts"
import type { Calls, OpenedRows, PackedHeaders, StartOptions } from "./Protocol.ts"
import { prepare, readHeaders, readRows, sizer } from "./Recovery.ts"
import { makeTables } from "./Tables.ts"

/** Bytes of blocks in one reply, unless a single block is larger. */
const readBytesMax = 8 * 1_048_576

/** The database is not one to work with; thrown on the path of SQLite's own errors. */
export class Refused extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.detail)
    this.failure = failure
  }
}

interface Connection {
  readonly db: DatabaseSync
  readonly tables: ReturnType<typeof makeTables>
  readonly transaction: (body: () => void) => void
  readonly sizeBytes: () => number
  readonly insertBlock: StatementSync
  readonly selectBlock: StatementSync
}

/** The database. Mutable on purpose: after an I/O error it is opened anew. */
export class Database {
  private readonly options: StartOptions
  private lock: DatabaseSync | undefined
  private connection: Connection | undefined
  /** The outcome of the last transaction is not known, or the connection cannot be trusted. */
  private isSuspect = false

  constructor(options: StartOptions) {
    this.options = options
  }

  open(): OpenedRows {
    const { directory } = this.options
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === false) {
      throw new Refused({ reason: "Damaged", detail: `${directory} is a file, not a directory` })
    }
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    accessSync(directory, constants.W_OK)
    this.lock = openLock(join(directory, "lock"))
    return readRows(this.connect().db)
  }

  begin({ cursors, epoch, ownRows }: Calls["begin"]["request"]): undefined {
    const { tables, transaction } = this.connect()
    transaction(() => {
      tables.apply({ cursors, ownRows })
      tables.mark("epoch", epoch)
      tables.mark("clean", 0)
    })
  }

  transact({ block, changes, seq }: Transaction): Stored {
    if (this.isSuspect) this.repair(seq)
    const { insertBlock, sizeBytes, tables, transaction } = this.connect()
    if (block !== undefined) seal(block.header, block.bodies)
    try { // Remembers that it failed.
      transaction(() => {
        if (block !== undefined) insertBlock.run(block.seq, block.header, block.bodies)
        for (const change of changes) tables.apply(change)
      })
    } catch (cause) {
      this.isSuspect = true
      if (reasonOf(cause).reason !== "Full") this.disconnect()
      throw cause
    }
    return { block, sizeBytes: sizeBytes() }
  }

  headers(after: number): PackedHeaders {
    return readHeaders(this.connect().db, after)
  }

  readBlocks(seqs: ReadonlyArray<number>): BlocksRead {
    const { selectBlock } = this.connect()
    const blocks: Array<StoredBlock> = []
    let bytes = 0 // A running sum; `count` says where the next request goes on.
    let count = 0
    for (const seq of seqs) {
      const row = selectBlock.get(seq)
      count++
      if (!(row?.["header"] instanceof Uint8Array && row["bodies"] instanceof Uint8Array)) continue
      blocks.push({ seq, header: row["header"], bodies: row["bodies"] })
      bytes += row["header"].byteLength + row["bodies"].byteLength
      if (bytes >= readBytesMax) break
    }
    return { blocks, count }
  }

  /** In a transaction of its own; when it failed, a new connection looks at what is there. */
  truncate(truncation: Truncation): Calls["truncate"]["reply"] {
    const { sizeBytes, tables, transaction } = this.connect()
    try { // Remembers that it failed.
      transaction(() => tables.truncate(truncation))
    } catch (cause) {
      if (reasonOf(cause).reason !== "Full") this.disconnect()
      throw cause
    }
    return { sizeBytes: sizeBytes() }
  }

  delayed({ after, bytesMax, limit }: Calls["delayed"]["request"]): DelayedPage {
    return this.connect().tables.delayed.page(after, limit, bytesMax)
  }

  findDelayed(id: string): Delayed | undefined {
    return this.connect().tables.delayed.find(id)
  }

  rowClaims(request: ClaimsRequest): ReadonlyArray<Claim> {
    return this.connect().tables.claims.read(request)
  }

  deadLetters({ after, filter, limit }: Calls["deadLetters"]["request"]) {
    return this.connect().tables.letters(filter, after, limit)
  }

  close(): undefined {
    const { db, tables } = this.connect()
    try { // Whatever happens, the locks end here.
      tables.mark("clean", 1)
    } finally {
      db.close()
      this.lock?.close()
    }
  }

  private connect(): Connection {
    if (this.connection !== undefined) return this.connection
    const db = openDatabase(join(this.options.directory, "log.db"), this.options.pagesMax)
    try { // A database that is refused is closed, for its locks end with it.
      const refusal = prepare(db)
      if (refusal !== undefined) throw new Refused(refusal)
      this.connection = {
        db,
        tables: makeTables(db),
        transaction: makeTransaction(db),
        sizeBytes: sizer(db),
        insertBlock: db.prepare("INSERT INTO blocks VALUES (?, ?, ?)"),
        selectBlock: db.prepare("SELECT header, bodies FROM blocks WHERE seq = ?")
      }
      return this.connection
    } catch (cause) {
      db.close()
      throw cause
    }
  }

  private disconnect(): void {
    const connection = this.connection
    this.connection = undefined
    try { // The device may refuse this too; the next opening starts from what is on it.
      connection?.db.close()
    } catch { /* See above. */ }
  }

  /**
   * A commit whose sync failed may yet be found in the file. Its callers were told that it failed,
   * so it must not come back.
   */
  private repair(seq: number): void {
    const { db } = this.connect()
    db.prepare("DELETE FROM blocks WHERE seq >= ?").run(seq)
    this.isSuspect = false
  }
}

/** Runs a body in a transaction; when anything fails, nothing of it stays. */
const makeTransaction = (db: DatabaseSync) => {
  const begin = db.prepare("BEGIN IMMEDIATE")
  const commit = db.prepare("COMMIT")
  return (body: () => void): void => {
    begin.run()
    try { // SQLite ends some transactions by itself, and some not.
      body()
      commit.run()
    } catch (cause) {
      if (db.isTransaction) db.exec("ROLLBACK")
      throw cause
    }
  }
}
