/**
 * What publishers and consumers of a test recorded, and what must hold of it.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import process from "node:process"

/** A message as it was sent: the `n`th of its key. */
export interface Sent {
  readonly key: string
  readonly n: number
  readonly sha256: string
}

/** A message as it was delivered. */
export interface Received extends Sent {
  readonly id: string
  readonly attempt: number
}

/** Everything recorded so far. Mutable on purpose: publishers and consumers add to it. */
export class Records {
  /** What was accepted, by message id. */
  readonly accepted = new Map<string, Sent>()
  readonly received: Array<Received> = []
  /** First deliveries, by message id. */
  readonly seen = new Set<string>()
  /** Acknowledged deliveries by message id: the effects of a sink. */
  readonly effects = new Map<string, number>()
  /** How often each status was answered; 0 stands for no answer. */
  readonly statuses = new Map<number, number>()
  /** Messages refused with 429, each time they were. */
  shed = 0
  /** Messages whose acceptance was answered to a repeat only: the first answer was lost. */
  answeredLate = 0
  /** Milliseconds to the latest answer of any kind, counted from its request. */
  slowestMs = 0
  /** Milliseconds from request to acceptance, without those that were tried again. */
  readonly latencies: Array<number> = []

  /** Notes the status of an answer. */
  answered(status: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
  }

  /** Whether everything accepted was delivered. */
  get isComplete(): boolean {
    return this.seen.size >= this.accepted.size
  }
}

/** The figures of a run. Counts are of messages but `fiveXx`, which is of answers. */
export interface Verdict {
  readonly accepted: number
  /** Accepted, and not delivered. */
  readonly lost: number
  /** Acknowledged more than once. */
  readonly duplicates: number
  /** First deliveries before an earlier message of their key. */
  readonly inversions: number
  /** Delivered, and not sent, or not as sent. */
  readonly phantoms: number
  readonly redelivered: number
  readonly fiveXx: number
  readonly shed: number
  readonly unanswered: number
  readonly answeredLate: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** What a bus that keeps its promises shows of each. */
export const none = { lost: 0, duplicates: 0, inversions: 0, phantoms: 0, fiveXx: 0 } as const

/** Judges a run whose publishers have ended. `sent` may hold more than was accepted. */
export const verdictOf = (records: Records, sent: ReadonlyMap<string, Sent>): Verdict => {
  const statusCount = (from: number, to: number) =>
    [...records.statuses].reduce((sum, [s, count]) => s >= from && s < to ? sum + count : sum, 0)
  return {
    accepted: records.accepted.size,
    lost: [...records.accepted.keys()].filter((id) => !records.seen.has(id)).length,
    duplicates: [...records.effects.values()].filter((count) => count > 1).length,
    inversions: inversionsOf(records.received),
    phantoms: records.received.filter((one) => {
      const origin = sent.get(placeOf(one))
      return origin === undefined || origin.sha256 !== one.sha256 ||
        !isSame(records.accepted.get(one.id), one)
    }).length,
    redelivered: records.received.length - records.seen.size,
    fiveXx: statusCount(500, 600),
    shed: records.shed,
    unanswered: statusCount(0, 1),
    answeredLate: records.answeredLate,
    p50: quantile(records.latencies, 0.5),
    p99: quantile(records.latencies, 0.99)
  }
}

/** The name of a message among those sent: its idempotency key. */
export const placeOf = ({ key, n }: { readonly key: string; readonly n: number }): string =>
  `${key}#${n}`

/** An accepted id that no reply named may stand for a request without an answer. */
const isSame = (accepted: Sent | undefined, one: Received): boolean =>
  accepted === undefined || placeOf(accepted) === placeOf(one)

const inversionsOf = (received: ReadonlyArray<Received>): number => {
  const last = new Map<string, number>()
  const seen = new Set<string>()
  return received.filter(({ id, key, n }) => {
    if (seen.has(id)) return false
    seen.add(id)
    const before = last.get(key) ?? 0
    last.set(key, Math.max(before, n))
    return n < before
  }).length
}

/** Prints the figures of a long run. */
export const say = (what: string, figures: object): void => {
  if (process.env["CODEFACTORY_LONG"] !== "1") return
  const rounded = (_: string, value: unknown) =>
    typeof value === "number" ? Math.round(value * 100) / 100 : value
  process.stderr.write(`${what}: ${JSON.stringify(figures, rounded)}\n`)
}

/** A quantile; 0 of nothing. */
export const quantile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/**
 * The 99th percentile of the calmest fifth of the values, as they came: what the bus does when the
 * machine lets it, so that two of them can be compared on a machine with other work to do.
 */
export const calmP99 = (values: ReadonlyArray<number>): number => {
  const fifth = Math.ceil(values.length / 5)
  return Math.min(...[0, 1, 2, 3, 4].map((at) => {
    const part = values.slice(at * fifth, (at + 1) * fifth)
    return part.length === 0 ? Infinity : quantile(part, 0.99)
  }))
}

/** The hash of a text. */
export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

/** Milliseconds of CPU time that a process has used: a busy machine does not change them much. */
export const cpuMsOf = (pid: number | undefined): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10 // User and system, in ticks of 10 ms.
}

/** Resident memory of a process in MB: now, and at its most. */
export const memoryOf = (pid: number | undefined): { readonly now: number; peak: number } => {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  const mb = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1_024
  return { now: mb("VmRSS"), peak: mb("VmHWM") }
}
