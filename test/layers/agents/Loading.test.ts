import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { agentsMax } from "../../../src/services/Agents.ts"
import { agency, until } from "./Agency.ts"
import { fakeExecutor, unloadable } from "./FakeExecutor.ts"

const letters = ["c.ts", "a.ts", "b.ts"]

describe("loading agents", () => {
  it.effect("several are loaded at the same time", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const fake = fakeExecutor(() => Effect.as(Deferred.await(gate), [{}]))
      const { agents } = yield* agency(fake.layer, letters)
      const loading = yield* Effect.forkChild(agents.load)
      yield* until(() => fake.events.length === 3)
      assert.deepStrictEqual(agents.snapshot().loading, ["a.ts", "b.ts", "c.ts"])
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(loading)
      assert.lengthOf(agents.snapshot().loaded, 3)
    }))

  it.effect("PARALLEL_AGENT_LOADING=0 loads one after another by name", () =>
    Effect.gen(function*() {
      const fake = fakeExecutor(() => Effect.as(Effect.yieldNow, [{}]))
      const { agents } = yield* agency(fake.layer, letters, { isParallel: false })
      yield* agents.load
      assert.deepStrictEqual(
        fake.events,
        ["a", "b", "c"].flatMap((name) => [`load ${name}`, `loaded ${name}`])
      )
    }))

  it.effect("one that fails is named with its reason, and the rest serve", () =>
    Effect.gen(function*() {
      const fake = fakeExecutor(({ name }) =>
        name === "b" ? unloadable("b", "no\n database") : Effect.succeed([{}])
      )
      const { agents, bus } = yield* agency(fake.layer, letters)
      assert.strictEqual(agents.snapshot().state, "Starting")
      yield* agents.load
      assert.deepStrictEqual(agents.snapshot(), {
        state: "Started",
        loading: [],
        loaded: [
          { agent: "a.ts", subscriptions: ["a"] },
          { agent: "c.ts", subscriptions: ["c"] }
        ],
        failed: [{ agent: "b.ts", reason: "no database" }]
      })
      assert.sameMembers(
        (yield* bus.bus.subscriptions).map(({ name }) => name as string),
        ["a", "c"]
      )
    }))

  it.effect("a module that breaks the loader itself is only one that failed", () =>
    Effect.gen(function*() {
      const fake = fakeExecutor(({ name }) =>
        name === "b" ? Effect.die(new Error("a bug")) : Effect.succeed([{}])
      )
      const { agents } = yield* agency(fake.layer, letters)
      yield* agents.load
      const { failed, loaded } = agents.snapshot()
      assert.lengthOf(loaded, 2)
      assert.include(failed[0]?.reason, "a bug")
    }))

  it.effect("what is not loaded within STARTUP_TIMEOUT has failed, and the start-up is over", () =>
    Effect.gen(function*() {
      const fake = fakeExecutor(({ name }) => name === "b" ? Effect.never : Effect.succeed([{}]))
      const { agents } = yield* agency(fake.layer, letters)
      const loading = yield* Effect.forkChild(agents.load)
      yield* until(() => agents.snapshot().loaded.length === 2)
      yield* TestClock.adjust("89 seconds")
      assert.strictEqual(agents.snapshot().state, "Starting")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(loading)
      const { failed, state } = agents.snapshot()
      assert.strictEqual(state, "Started")
      assert.deepStrictEqual(failed, [
        { agent: "b.ts", reason: "it was not loaded within STARTUP_TIMEOUT (90 s)" }
      ])
    }))

  it.effect("one after another, what comes after one that hangs has failed for want of time", () =>
    Effect.gen(function*() {
      const fake = fakeExecutor(({ name }) => name === "b" ? Effect.never : Effect.succeed([{}]))
      const { agents } = yield* agency(fake.layer, letters, { isParallel: false })
      const loading = yield* Effect.forkChild(agents.load)
      yield* until(() => fake.events.includes("load b"))
      yield* TestClock.adjust("90 seconds")
      yield* Fiber.join(loading)
      const { failed, loaded } = agents.snapshot()
      assert.deepStrictEqual(loaded.map(({ agent }) => agent), ["a.ts"])
      assert.deepStrictEqual(failed.map(({ agent }) => agent), ["b.ts", "c.ts"])
      assert.notInclude(fake.events, "load c")
    }))

  it.effect("only modules that stand directly in the directory are agents", () =>
    Effect.gen(function*() {
      const agentFiles = ["a.ts", "b.mts", "c.js", "d.mjs"]
      const others = ["_e.ts", ".f.ts", "g.d.ts", "h.test.ts", "i.json", "j.cjs", "k.tsx", "README"]
      const fake = fakeExecutor()
      const { agents } = yield* agency(fake.layer, [...agentFiles, ...others])
      yield* agents.load
      assert.deepStrictEqual(agents.snapshot().loaded.map(({ agent }) => agent), agentFiles)
    }))

  it.effect("beyond the limit the first by name are loaded, and the rest is left out", () =>
    Effect.gen(function*() {
      const names = Array.from({ length: agentsMax + 2 }, (_, n) => `a${1_000 + n}.ts`)
      const { agents } = yield* agency(fakeExecutor().layer, names)
      yield* agents.load
      const { failed, loaded } = agents.snapshot()
      assert.lengthOf(loaded, agentsMax)
      assert.deepStrictEqual(failed.map(({ agent }) => agent), ["2 more"])
    }))

  it.effect("settings of checks and heavy parts reach the loading of every module", () =>
    Effect.gen(function*() {
      const asked: Array<unknown> = []
      const fake = fakeExecutor((_, options) =>
        Effect.as(Effect.sync(() => asked.push(options)), [{}])
      )
      const options = { isHeavyLazy: false, isCheckSkipped: true }
      const { agents } = yield* agency(fake.layer, ["a.ts"], options)
      yield* agents.load
      assert.deepStrictEqual(asked, [options])
    }))
})
