/**
 * Scaling: workers of each shard by seconds, shards by minutes, as the rules say.
 *
 * A loop over what the snapshot shows. It remembers since when something has been so, and nothing
 * else; what it does goes through what operators use, so it can be done and undone by hand.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { DecisionMade } from "../../domain/Decision.ts"
import {
  isHigh,
  isLow,
  type ShardLoad,
  type ShardPolicy,
  shardRule,
  shardsFor
} from "../../domain/ShardScaling.ts"
import type { ShardSnapshot } from "../../domain/Snapshot.ts"
import {
  type WorkerPolicy,
  workerRule,
  workersEveryMs,
  workersFor
} from "../../domain/WorkerScaling.ts"
import type { Shards } from "../../services/Shards.ts"
import type { ScaleCounts, Step } from "../observe/ScaleCounts.ts"

/** What is scaled by which rules. */
export interface ScalingOptions {
  readonly shards: ShardPolicy
  readonly workers: WorkerPolicy
}

/** What scaling looks at and changes. */
export interface Scaled {
  /** The shards now. */
  readonly look: () => ReadonlyArray<Seen>
  readonly change: Pick<Shards, "setCount" | "setWorkers">
  /** Keeps why something was changed. */
  readonly decide: (decision: DecisionMade) => void
  readonly counts: ScaleCounts
}

/** What is looked at of a shard. */
export type Seen = Pick<
  ShardSnapshot,
  "fill" | "gate" | "id" | "oldestMs" | "queued" | "workers"
>

/** The scaling of one bus. */
export interface Scaling {
  /** Scales for as long as it runs. */
  readonly run: Effect.Effect<never>
  /** The gate of a shard has closed: it is looked at now. */
  readonly pressed: (shard: number) => void
}

/** The scaling, which begins when it is run. */
export const make = (
  scaled: Scaled,
  options: ScalingOptions
): Effect.Effect<Scaling> =>
  Effect.map(Clock.Clock, (clock) => {
    const scaler = new Scaler(scaled, options, () => clock.currentTimeMillisUnsafe())
    const pressed = Latch.makeUnsafe(false)
    return {
      pressed: (shard) => {
        scaler.press(shard)
        pressed.openUnsafe()
      },
      run: Effect.andThen(
        Effect.sync(() => scaler.begin()),
        Effect.forever(Effect.gen(function*() {
          const asked = yield* Effect.timeoutOption(
            pressed.await,
            Duration.millis(workersEveryMs)
          )
          pressed.closeUnsafe()
          yield* scaler.step(asked._tag === "Some")
        }))
      )
    }
  })

/** What the loop remembers. Mutable: it changes with every look. */
class Scaler {
  private readonly scaled: Scaled
  private readonly options: ScalingOptions
  private readonly now: () => number
  private steppedAt = 0
  private highSince: number | undefined = undefined
  private lowSince: number | undefined = undefined
  private lookedAt = 0
  /** By shard: since when few have waited, and when its gate closed last. */
  private readonly calmSince = new Map<number, number>()
  private readonly closedAt = new Map<number, number>()

  constructor(scaled: Scaled, options: ScalingOptions, now: () => number) {
    this.scaled = scaled
    this.options = options
    this.now = now
  }

  begin(): void {
    this.steppedAt = this.now()
  }

  press(shard: number): void {
    this.closedAt.set(shard, this.now())
  }

  /** Looks once; workers in their rhythm only. */
  step(isPressed: boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      const now = this.now()
      const shards = this.scaled.look()
      const isDue = now - this.lookedAt >= workersEveryMs
      if (isDue) this.lookedAt = now
      const load = this.loadOf(shards, isPressed)
      return Effect.andThen(
        isDue ? this.staff(shards) : Effect.void,
        Effect.suspend(() => this.resize(load))
      )
    })
  }

  /** Gives each shard the workers that it should have. */
  private staff(shards: ReadonlyArray<Seen>): Effect.Effect<void> {
    return Effect.forEach(shards, ({ id, queued: { high, normal }, workers }) => {
      const now = this.now()
      const queued = high + normal
      const { workers: policy } = this.options
      if (queued >= policy.queuedDown) this.calmSince.delete(id)
      else if (!this.calmSince.has(id)) this.calmSince.set(id, now)
      const load = { queued, workers, calmForMs: now - (this.calmSince.get(id) ?? now) }
      const wanted = workersFor(load, policy)
      if (wanted === workers) return Effect.void
      this.calmSince.delete(id)
      const step = wanted > workers ? "workers up" : "workers down"
      return this.done(step, this.scaled.change.setWorkers(wanted, id), {
        kind: "scale",
        subject: `shard ${id} workers`,
        rule: workerRule,
        inputs: { ...load, ...policy },
        outcome: `${wanted} workers`
      })
    }, { discard: true })
  }

  private loadOf(shards: ReadonlyArray<Seen>, isPressed: boolean): ShardLoad {
    const now = this.now()
    const { shards: policy } = this.options
    const fills = shards.map(({ fill, gate, id }) =>
      gate === "Closed" || now - (this.closedAt.get(id) ?? -Infinity) < policy.intervalMs
        ? 1
        : fill
    )
    const seen = {
      meanFill: fills.reduce((sum, fill) => sum + fill, 0) / Math.max(1, fills.length),
      ageMs: shards.reduce((most, { oldestMs }) => Math.max(most, oldestMs), 0)
    }
    this.highSince = isHigh(seen, policy) ? this.highSince ?? now : undefined
    this.lowSince = isLow(seen, policy) ? this.lowSince ?? now : undefined
    return {
      ...seen,
      shards: shards.length,
      highMs: now - (this.highSince ?? now),
      lowMs: now - (this.lowSince ?? now),
      sinceStepMs: now - this.steppedAt,
      isPressed
    }
  }

  private resize(load: ShardLoad): Effect.Effect<void> {
    const { shards: policy } = this.options
    const wanted = shardsFor(load, policy)
    if (wanted === load.shards) return Effect.void
    this.steppedAt = this.now()
    // What was seen was seen of other shards.
    this.highSince = undefined
    this.lowSince = undefined
    this.calmSince.clear()
    this.closedAt.clear()
    const step = wanted > load.shards ? "shards up" : "shards down"
    return this.done(step, this.scaled.change.setCount(wanted), {
      kind: "scale",
      subject: "shards",
      rule: shardRule,
      inputs: { ...load, isPressed: Number(load.isPressed), ...policy },
      outcome: `${wanted} shards`
    })
  }

  /** Changes something, and keeps why once it was done. */
  private done(
    step: Step,
    change: Effect.Effect<unknown, { readonly message: string }>,
    decision: DecisionMade
  ): Effect.Effect<void> {
    return Effect.matchEffect(change, {
      onSuccess: () => {
        this.scaled.decide(decision)
        this.scaled.counts.steps[step]++
        const { outcome, rule, subject } = decision
        const told = `${subject}: ${outcome}; ${rule}`
        // Workers come and go by the second, and each step is a decision anyway.
        return subject === "shards" ? Effect.logInfo(told) : Effect.logDebug(told)
      },
      onFailure: ({ message }) => Effect.logDebug(`${decision.subject} stays as it is: ${message}`)
    })
  }
}
