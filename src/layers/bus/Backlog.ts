/**
 * The backlog gate: how much of the log retention may not delete, because a subscription needs it,
 * and when publishes are refused for that.
 *
 * The bytes are measured now and then, and raised by every append in between. Only a measurement
 * closes or opens the gate: what is raised counts messages whose consumers keep pace, too. When
 * that reaches the mark, a measurement is asked for at once.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { logLaneCount } from "../../domain/Position.ts"
import { type Gate, nextGate, type Watermarks } from "../../domain/Watermark.ts"
import { BacklogFull } from "../../services/LogCapacity.ts"
import type { Core } from "./Core.ts"
import type { CoreOptions } from "./CoreOptions.ts"
import { largestHolder, lowestFloors } from "./Floors.ts"

/** When a refused publisher should try again, in milliseconds; a closed gate is measured then. */
export const backlogRetryMs = 1_000

/** Shortest time between two measurements, in milliseconds. */
const measureEveryMs = 100

/** The gate. Mutable on purpose: its bytes change with every message. */
export class Backlog {
  readonly limitBytes: number
  private readonly marks: Watermarks
  /** From so many bytes on, a measurement is asked for. */
  private readonly mark: number
  readonly asked = Latch.makeUnsafe(false)
  gate: Gate = "Open"
  bytes = 0
  /** Who holds most, while the gate is closed. */
  holder: { readonly name: string; readonly bytes: number } | undefined = undefined

  constructor({ backlogBytesMax, log, watermarks }: CoreOptions) {
    this.limitBytes = log.retainsSettled ? backlogBytesMax : Number.POSITIVE_INFINITY
    this.marks = watermarks
    this.mark = this.limitBytes * watermarks.high
  }

  /** A message was appended. Hot: one addition and one comparison for each. */
  raise(bytes: number): void {
    this.bytes += bytes
    if (this.bytes >= this.mark) this.asked.openUnsafe()
  }

  /** So many bytes are held; returns whether the gate changed. */
  measured(bytes: number): boolean {
    const next = nextGate(this.gate, bytes / this.limitBytes, this.marks)
    const changed = next !== this.gate
    this.bytes = bytes
    this.gate = next
    return changed
  }
}

/** The answer to a publish while the gate is closed. */
export const backlogRefusal = (core: Core): BacklogFull => {
  const { bytes, holder, limitBytes } = core.backlog
  core.decisions.sample({
    kind: "refusal",
    subject: "backlog",
    rule: "a closed gate of the backlog takes no message",
    inputs: { bytes, limitBytes, holder: holder?.name ?? "" },
    outcome: "BacklogFull"
  }, core.now())
  return new BacklogFull({ bytes, limitBytes, retryAfterMs: backlogRetryMs })
}

/** Measures for ever. A log that forgets what is settled has no backlog: shards bound it. */
export const run = (core: Core, everyMs: number): Effect.Effect<void> => {
  if (!core.log.retainsSettled) return Effect.void
  const { backlog } = core
  const wait = Effect.suspend(() =>
    backlog.gate === "Closed"
      ? Effect.sleep(Math.min(backlogRetryMs, everyMs))
      : Effect.raceFirst(backlog.asked.await, Effect.sleep(everyMs))
  )
  return Effect.forever(
    measure(core).pipe(Effect.andThen(Effect.sleep(measureEveryMs)), Effect.andThen(wait))
  )
}

/** Measures once. */
export const measure = (core: Core): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { backlog } = core
    backlog.asked.closeUnsafe()
    const floors = yield* lowestFloors(core)
    let bytes = core.ownRows.bytes + core.delays.bytes // A sum over the lanes.
    for (let logLane = 0; logLane < logLaneCount; logLane++) {
      bytes += core.log.bytesFrom(logLane, floors[logLane] ?? 0)
    }
    const changed = backlog.measured(bytes)
    const { gate, limitBytes } = backlog
    backlog.holder = gate === "Closed" ? yield* largestHolder(core) : undefined
    if (!changed) return
    core.decide({
      kind: "gate",
      subject: "backlog",
      rule: "closes at the high share of the bytes the log may hold, opens below the low one",
      inputs: { bytes, limitBytes, holder: backlog.holder?.name ?? "", ...core.options.watermarks },
      outcome: gate
    })
  })
