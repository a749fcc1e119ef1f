/**
 * The guardian: looks at the bus now and then, says once when something is broken, tries once to
 * mend it, and says when it is well again.
 *
 * It changes nothing that users hold: subscriptions, handles and leases stay valid.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { DecisionMade } from "../../domain/Decision.ts"
import {
  type Finding,
  type Health,
  type HealthPolicy,
  healthRule,
  judge,
  unknown,
  type Verdict
} from "../../domain/Health.ts"
import type { ShardSnapshot } from "../../domain/Snapshot.ts"
import type { Vitals } from "../../services/Watching.ts"
import type { GuardianCounts } from "../observe/GuardianCounts.ts"

/** What looks bad. Times are milliseconds. */
export interface GuardianOptions {
  readonly interval: Duration.Duration
  readonly policy: HealthPolicy
  /** How long the same delivery may be the oldest that waits. */
  readonly stuckMs: number
  /** Longest hold-up of the event loop. */
  readonly loopMs: number
  /** Share of the memory that the process may use. */
  readonly memoryShare: number
  /** Share of handler runs that may fail, of so many at least. */
  readonly errorShare: number
  readonly runsMin: number
}

/** Ours, but for the interval and the policy, which are the guide's. */
export const guardianDefaults = {
  stuckMs: 60_000,
  loopMs: 1_000,
  memoryShare: 0.9,
  errorShare: 0.5,
  runsMin: 100
} as const

/** What the guardian looks at and does. */
export interface Guarded {
  readonly shards: () => ReadonlyArray<Pick<ShardSnapshot, "id" | "oldestMs" | "queued">>
  readonly vitals: () => Vitals
  /** Of the process: the longest hold-up since it was asked last, and memory used and usable. */
  readonly process: () => {
    readonly loopMs: number
    readonly usedBytes: number
    readonly usableBytes: number
  }
  /** Gives a shard new workers beside those that do not come back. */
  readonly restaff: (shard: number) => Effect.Effect<void>
  readonly decide: (decision: DecisionMade) => void
  /** Tells whoever has to know. */
  readonly tell: (verdict: Verdict) => Effect.Effect<void>
  readonly counts: GuardianCounts
}

/** Guards for as long as it runs. */
export const run = (guarded: Guarded, options: GuardianOptions): Effect.Effect<never> =>
  Effect.flatMap(Clock.Clock, (clock) => {
    const guardian = new Guardian(guarded, options, () => clock.currentTimeMillisUnsafe())
    return Effect.forever(
      Effect.andThen(Effect.sleep(options.interval), Effect.suspend(() => guardian.look()))
    )
  })

/** What the guardian remembers. Mutable: it changes with every look. */
class Guardian {
  private readonly guarded: Guarded
  private readonly options: GuardianOptions
  private readonly now: () => number
  private health: Health = unknown
  /** By shard: since when its oldest delivery waits, at the last look. */
  private oldest = new Map<number, number>()
  private before: Vitals

  constructor(guarded: Guarded, options: GuardianOptions, now: () => number) {
    this.guarded = guarded
    this.options = options
    this.now = now
    this.before = guarded.vitals()
  }

  look(): Effect.Effect<void> {
    const { health, verdicts } = judge(
      this.health,
      [...this.shards(), ...this.process(), ...this.bus()],
      this.now(),
      this.options.policy
    )
    this.health = health
    this.guarded.counts.alerted =
      [...health.conditions.values()].filter(({ isAlerted }) => isAlerted).length
    return Effect.forEach(verdicts, (verdict) => this.act(verdict), { discard: true })
  }

  /** One whose oldest delivery is the same as before, and old, gets nothing done. */
  private shards(): ReadonlyArray<Finding> {
    const now = this.now()
    const { stuckMs } = this.options
    const seen = new Map<number, number>()
    const findings = this.guarded.shards().map(({ id, oldestMs, queued }) => {
      const since = now - oldestMs
      const waits = queued.high + queued.normal
      if (waits > 0) seen.set(id, since)
      // Clocks are read at two moments.
      const isSame = Math.abs((this.oldest.get(id) ?? Infinity) - since) < 100
      const isStuck = waits > 0 && oldestMs >= stuckMs && isSame
      return {
        component: `shard ${id}`,
        isWell: !isStuck,
        detail: `${waits} wait, the same one first for ${Math.round(oldestMs / 1_000)} s`
      }
    })
    this.oldest = seen
    return findings
  }

  private process(): ReadonlyArray<Finding> {
    const { loopMs, usableBytes, usedBytes } = this.guarded.process()
    const share = usedBytes / usableBytes
    return [
      {
        component: "event loop",
        isWell: loopMs < this.options.loopMs,
        detail: `held up for up to ${Math.round(loopMs)} ms`
      },
      {
        component: "memory",
        isWell: share < this.options.memoryShare,
        detail: `${Math.round(100 * share)} % of ${Math.round(usableBytes / 2 ** 20)} MiB are used`
      }
    ]
  }

  private bus(): ReadonlyArray<Finding> {
    const { before, options: { errorShare, runsMin } } = this
    const now = this.guarded.vitals()
    this.before = now
    const restarts = now.fibreRestarts - before.fibreRestarts
    const [runs, errors] = [now.runs - before.runs, now.errors - before.errors]
    return [
      {
        component: "log",
        isWell: now.logFailure === undefined,
        detail: now.logFailure ?? "it takes what is written"
      },
      {
        component: "fibres",
        isWell: restarts === 0,
        detail: `${restarts} were started again since the last check`
      },
      {
        component: "handlers",
        isWell: runs < runsMin || errors / runs <= errorShare,
        detail: `${errors} of ${runs} runs failed since the last check`
      }
    ]
  }

  private act(verdict: Verdict): Effect.Effect<void> {
    const { component, detail, isHealed, kind } = verdict
    const { counts, decide, restaff, tell } = this.guarded
    const shard = /^shard (\d+)$/.exec(component)?.[1]
    const isHealing = kind === "Alert" && isHealed && shard !== undefined
    if (kind === "Alert") counts.alert(component)
    if (isHealing) counts.healings++
    decide({
      kind: "guardian",
      subject: component,
      rule: healthRule,
      inputs: { detail, ...this.options.policy },
      outcome: isHealing ? "Alert, new workers" : kind
    })
    return Effect.andThen(
      isHealing ? restaff(Number(shard)) : Effect.void,
      tell(verdict)
    )
  }
}
