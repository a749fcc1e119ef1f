/**
 * What a log may do, as publishers and restarts can see it.
 */
import type { Message } from "../../src/domain/Message.ts"
import type { Changes, Delayed, LogEntry } from "../../src/services/MessageLog.ts"
import type { ClaimModel } from "./ClaimModel.ts"

/** A message as the log holds it. */
export interface Stored {
  readonly message: Message
  readonly logLane: number
  readonly offset: number
}

/** Notes the breach of an invariant, numbered as in the fault plan. */
export type Breach = (invariant: number, what: string) => void

/** What a reopened log holds. */
export interface Found {
  readonly entries: ReadonlyArray<LogEntry>
  readonly delayed: ReadonlyArray<Delayed>
  /** First retained offset of a lane. */
  readonly first: (logLane: number) => number
}

/** The log of one run, over all its processes. */
export class LogModel {
  readonly stored = new Map<string, Stored>()
  /** Messages that wait for their time, by id. */
  readonly delayed = new Map<string, Delayed>()
  readonly claims: ClaimModel
  private readonly breach: Breach
  private readonly now: () => number
  private readonly nextOffsets = new Map<number, number>()
  private readonly payloads = new Set<string>()
  private readonly refused = new Set<string>()

  constructor(breach: Breach, now: () => number, claims: ClaimModel) {
    this.breach = breach
    this.now = now
    this.claims = claims
  }

  /** Offsets that the next entries get, by lane; 0 where none stands. */
  get heads(): ReadonlyMap<number, number> {
    return new Map(this.nextOffsets)
  }

  /** The log committed entries, and a change with them. */
  committed(entries: ReadonlyArray<LogEntry>, { delayed, delayedRemoved }: Changes = {}): void {
    for (const id of delayedRemoved ?? []) {
      const row = this.delayed.get(id)
      if (row === undefined) this.breach(1, `not delayed any more: ${id}`)
      else if (!entries.some(({ message }) => message.id === id)) {
        if ((row.message.expiresAt ?? Infinity) > this.now()) this.breach(1, `forgotten: ${id}`)
      } else if (row.dueAt > this.now()) this.breach(1, `before its time: ${row.message.payload}`)
    }
    entries.forEach((entry) => this.add(entry))
    delayedRemoved?.forEach((id) => this.delayed.delete(id))
    delayed?.forEach((row) => this.delay(row))
  }

  /** A publisher was told so. */
  accepted(id: string): void {
    if (!this.stored.has(id) && !this.delayed.has(id)) {
      this.breach(9, `accepted but not stored: ${id}`)
    }
  }

  /** A publisher was refused a message whose payload nobody else has. */
  wasRefused(payload: string): void {
    if (this.payloads.has(payload)) this.breach(9, `refused but stored: ${payload}`)
    this.refused.add(payload)
  }

  /** A reopened log holds these. */
  reopened({ delayed, entries, first }: Found): void {
    const found = new Map<string, LogEntry>(entries.map((entry) => [entry.message.id, entry]))
    const rows = new Set<string>(delayed.map(({ id }) => id))
    for (const { logLane, message, offset } of this.stored.values()) {
      const entry = found.get(message.id)
      if (offset < first(logLane)) continue
      if (entry?.offset !== offset || entry.logLane !== logLane) {
        this.breach(9, `gone after a restart: ${message.id} at ${logLane}/${offset}`)
      }
    }
    const fresh = entries.filter(({ message }) => !this.stored.has(message.id))
    for (const [id, { message }] of this.delayed) {
      if (rows.has(id)) continue
      const isExpired = (message.expiresAt ?? Infinity) <= this.now()
      if (!found.has(id) && !isExpired) this.breach(9, `not delayed after a restart: ${id}`)
    }
    fresh.forEach((entry) => this.add(entry))
    for (const id of this.delayed.keys()) if (!rows.has(id)) this.delayed.delete(id)
    for (const row of delayed) {
      if (found.has(row.id)) this.breach(9, `both delayed and in the log: ${row.id}`)
      if (!this.delayed.has(row.id)) this.delay(row)
    }
  }

  private add({ logLane, message, offset }: LogEntry): void {
    const head = this.nextOffsets.get(logLane) ?? 0
    if (offset !== head) this.breach(9, `offset ${offset} of lane ${logLane}, expected ${head}`)
    if (this.stored.has(message.id)) this.breach(1, `stored twice: ${message.id}`)
    if ((message.deliverAt ?? 0) > this.now()) this.breach(1, `before its time: ${message.payload}`)
    this.nextOffsets.set(logLane, offset + 1)
    this.stored.set(message.id, { message, logLane, offset })
    this.note(message)
  }

  private delay(row: Delayed): void {
    this.delayed.set(row.id, row)
    this.note(row.message)
  }

  /** It was accepted: delayed, in the log, or first one and then the other. */
  private note(message: Message): void {
    if (this.refused.has(message.payload)) this.breach(9, `refused but stored: ${message.payload}`)
    if (message.idempotencyKey === undefined) this.payloads.add(message.payload)
    else this.claims.accepted(message)
  }
}
