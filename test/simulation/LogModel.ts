/**
 * What a log may do, as publishers and restarts can see it.
 */
import type { Message } from "../../src/domain/Message.ts"
import type { LogEntry } from "../../src/services/MessageLog.ts"
import type { ClaimModel } from "./ClaimModel.ts"

/** A message as the log holds it. */
export interface Stored {
  readonly message: Message
  readonly logLane: number
  readonly offset: number
}

/** Notes the breach of an invariant, numbered as in the fault plan. */
export type Breach = (invariant: number, what: string) => void

/** The log of one run, over all its processes. */
export class LogModel {
  readonly stored = new Map<string, Stored>()
  readonly claims: ClaimModel
  private readonly breach: Breach
  private readonly nextOffsets = new Map<number, number>()
  private readonly payloads = new Set<string>()
  private readonly refused = new Set<string>()

  constructor(breach: Breach, claims: ClaimModel) {
    this.breach = breach
    this.claims = claims
  }

  /** Offsets that the next entries get, by lane; 0 where none stands. */
  get heads(): ReadonlyMap<number, number> {
    return new Map(this.nextOffsets)
  }

  /** The log committed an entry, or a reopened log held it. */
  committed({ logLane, message, offset }: LogEntry): void {
    const entry: Stored = { message, logLane, offset }
    const head = this.nextOffsets.get(logLane) ?? 0
    if (offset !== head) this.breach(9, `offset ${offset} of lane ${logLane}, expected ${head}`)
    this.nextOffsets.set(logLane, offset + 1)
    this.stored.set(message.id, entry)
    if (this.refused.has(message.payload)) this.breach(9, `refused but stored: ${message.payload}`)
    if (message.idempotencyKey === undefined) this.payloads.add(message.payload)
    else this.claims.accepted(message)
  }

  /** A publisher was told so. */
  accepted(id: string): void {
    if (!this.stored.has(id)) this.breach(9, `accepted but not stored: ${id}`)
  }

  /** A publisher was refused a message whose payload nobody else has. */
  wasRefused(payload: string): void {
    if (this.payloads.has(payload)) this.breach(9, `refused but stored: ${payload}`)
    this.refused.add(payload)
  }

  /** A reopened log holds these entries. */
  reopened(entries: ReadonlyArray<LogEntry>): void {
    const found = new Map(entries.map((entry) => [entry.message.id, entry]))
    for (const { logLane, message, offset } of this.stored.values()) {
      const entry = found.get(message.id)
      if (entry?.offset !== offset || entry.logLane !== logLane) {
        this.breach(9, `gone after a restart: ${message.id} at ${logLane}/${offset}`)
      }
    }
    for (const entry of entries) if (!this.stored.has(entry.message.id)) this.committed(entry)
  }
}
