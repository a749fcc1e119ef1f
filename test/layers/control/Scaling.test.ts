/**
 * A week of load on a bus that is not there: what scaling makes of it, on the test clock.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import process from "node:process"
import type { Decision, DecisionMade } from "../../../src/domain/Decision.ts"
import { type ShardLoad, shardPolicy, shardsFor } from "../../../src/domain/ShardScaling.ts"
import {
  type WorkerLoad,
  type WorkerPolicy,
  workerPolicy,
  workersFor
} from "../../../src/domain/WorkerScaling.ts"
import * as Scaling from "../../../src/layers/control/Scaling.ts"
import { ScaleCounts } from "../../../src/layers/observe/ScaleCounts.ts"

/** A week, or in short four hours with shorter days. */
const isLong = process.env["CODEFACTORY_LONG"] === "1"
const day = isLong ? 86_400 : 7_200
const week = isLong ? 7 * day : 2 * day

/** Deliveries that one worker gets done in a second, and the places of a shard. */
const perWorker = 10
const places = 10_000

type Made = DecisionMade & Pick<Decision, "at">

/** Shards that are loaded evenly; each holds what its workers do not get done. */
class Model {
  readonly queued: Array<number>
  readonly workers: Array<number>
  readonly decisions: Array<Made> = []
  refused = 0
  accepted = 0
  done = 0
  private now = 0

  constructor(shards: number) {
    this.queued = new Array<number>(shards).fill(0)
    this.workers = new Array<number>(shards).fill(4)
  }

  /** One second with so many messages; gives the shards whose gates closed in it. */
  pass(messages: number, at: number): ReadonlyArray<number> {
    this.now = at
    const each = messages / this.queued.length
    const closed: Array<number> = []
    this.queued.forEach((queued, id) => {
      const room = 0.8 * places - queued
      const taken = Math.max(0, Math.min(each, room))
      this.accepted += taken
      this.refused += each - taken
      if (each > room && queued < 0.8 * places) closed.push(id)
      const done = Math.min(queued + taken, (this.workers[id] ?? 0) * perWorker)
      this.done += done
      this.queued[id] = queued + taken - done
    })
    return closed
  }

  readonly scaled: Scaling.Scaled = {
    counts: new ScaleCounts(),
    decide: (decision) => void this.decisions.push({ ...decision, at: this.now }),
    look: () =>
      this.queued.map((queued, id) => {
        const workers = this.workers[id] ?? 0
        return {
          id,
          fill: queued / places,
          gate: queued >= 0.8 * places - 1 ? "Closed" as const : "Open" as const,
          oldestMs: 1_000 * queued / Math.max(1, workers * perWorker),
          queued: { high: 0, normal: queued },
          workers
        }
      }),
    change: {
      setCount: (count) =>
        Effect.sync(() => {
          const from = this.queued.length
          const all = this.queued.reduce((sum, queued) => sum + queued, 0)
          while (this.workers.length < count) this.workers.push(4)
          this.workers.length = count
          this.queued.length = 0
          for (let id = 0; id < count; id++) this.queued.push(all / count)
          return { from, to: count, moved: 0 }
        }),
      setWorkers: (count, shard = 0) => Effect.sync(() => void (this.workers[shard] = count))
    }
  }

  get waiting(): number {
    return this.queued.reduce((sum, queued) => sum + queued, 0)
  }

  of(subject: (name: string) => boolean): ReadonlyArray<Made> {
    return this.decisions.filter((one) => subject(one.subject))
  }
}

/** Messages per second at a second of the week. */
type Load = (second: number) => number

const running = (scaled: Scaling.Scaled, model: Model, load: Load, seconds: number) =>
  Effect.scoped(Effect.gen(function*() {
    const scaling = yield* Scaling.make(scaled, {
      shards: { ...shardPolicy, shardsMin: 2 },
      workers: workerPolicy
    })
    yield* Effect.forkScoped(scaling.run)
    const before = model.waiting
    for (let second = 0; second < seconds; second++) {
      const closed = model.pass(load(second), yield* Clock.currentTimeMillis)
      closed.forEach(scaling.pressed)
      assert.isAtLeast(model.queued.length, 2)
      assert.isAtMost(model.queued.length, 16)
      yield* TestClock.adjust("1 second")
    }
    // Nothing is made or lost by moving it.
    assert.closeTo(before + model.accepted, model.done + model.waiting, 1)
  }))

const isShards = (subject: string) => subject === "shards"

/** What was decided follows from what was written down with it. */
const assertReplayed = (decisions: ReadonlyArray<Made>): void => {
  for (const { inputs, outcome, subject } of decisions) {
    const known = inputs as never // As the loop wrote them.
    const wanted = isShards(subject)
      ? `${
        shardsFor({ ...known as ShardLoad, isPressed: inputs["isPressed"] === 1 }, known)
      } shards`
      : `${workersFor(known as WorkerLoad, known as WorkerPolicy)} workers`
    assert.strictEqual(wanted, outcome)
  }
}

/** No two steps within an interval; the model knows the time to a second. */
const assertCalm = (steps: ReadonlyArray<Made>): void => {
  steps.slice(1).forEach(({ at }, before) =>
    assert.isAtLeast(at - (steps[before]?.at ?? 0), shardPolicy.intervalMs - 1_000)
  )
}

describe("a week of load", () => {
  it.effect("pitfall 12: at a steady half of what they hold, nothing changes", () =>
    Effect.gen(function*() {
      const model = new Model(8)
      const look = () =>
        model.scaled.look().map((shard) => ({
          ...shard,
          fill: 0.5,
          oldestMs: 2_000,
          queued: { high: 100, normal: 400 }
        }))
      yield* running({ ...model.scaled, look }, model, () => 0, week)
      assert.isEmpty(model.decisions)
    }))

  it.effect("idle, a bus comes to its minimum and stays there", () =>
    Effect.gen(function*() {
      const model = new Model(8)
      yield* running(model.scaled, model, () => 0, week)
      assert.deepStrictEqual(
        model.of(isShards).map(({ outcome }) => outcome),
        [7, 6, 5, 4, 3, 2].map((count) => `${count} shards`)
      )
      assert.deepStrictEqual(model.workers, [2, 2])
      assertCalm(model.of(isShards))
      assertReplayed(model.decisions)
    }))

  it.effect.each(
    [
      ["a square wave", (second: number) => second % (day / 2) < day / 4 ? 1_200 : 20],
      ["a ramp", (second: number) => 1_400 * (second % day) / day],
      ["noise", (second: number) => 400 + 700 * Math.abs(Math.sin(second * 12.9898) * 43.7585 % 1)]
    ] as const
  )(
    "%s is followed within bounds, one step in an interval, and every rule fires",
    ([name, load]) =>
      Effect.gen(function*() {
        const model = new Model(8)
        yield* running(model.scaled, model, load, week)
        const shards = model.of(isShards)
        assertCalm(shards)
        assertReplayed(model.decisions)
        const { steps } = model.scaled.counts
        process.stdout.write(
          `${name}: ${JSON.stringify(steps)}, ${model.queued.length} shards at the end, ` +
            `${Math.round(100 * model.refused / (model.accepted + model.refused))} % refused\n`
        )
        if (name !== "noise") {
          assert.isAbove(steps["shards up"], 0)
          assert.isAbove(steps["shards down"], 0)
        }
        assert.isAbove(steps["workers up"], 0)
        assert.isAbove(steps["workers down"], 0)
      })
  )

  it.effect("a gate that closes is answered at once, when all are full", () =>
    Effect.gen(function*() {
      const model = new Model(2)
      model.queued.fill(0.79 * places)
      const look = () => model.scaled.look().map((shard) => ({ ...shard, oldestMs: 0 }))
      yield* running({ ...model.scaled, look }, model, (at) => at < 70 ? 80 : 100_000, 80)
      const [first] = model.of(isShards)
      if (first === undefined) return assert.fail("no step")
      assert.strictEqual(first.outcome, "3 shards")
      assert.strictEqual(first.inputs["isPressed"], 1)
      assert.isAtMost(first.at, 72_000)
    }))
})
