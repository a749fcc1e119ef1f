import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import type { AgentModule } from "../../../src/services/Executor.ts"
import { type Agency, agency, until } from "./Agency.ts"
import { fakeExecutor, type Loads, type Runs, unloadable } from "./FakeExecutor.ts"

/** Watched agents that are loaded, and what each `run` of a message was told. */
const watched = Effect.fnUntraced(function*(files: ReadonlyArray<string>, loads: Loads) {
  const ran: Array<string> = []
  const run: Runs = ({ exported }, { payload }) =>
    Effect.sync(() => void ran.push(`${exported}: ${payload}`))
  const fake = fakeExecutor(loads, run)
  const made = yield* agency(fake.layer, files, { isWatched: true })
  yield* made.agents.load
  return { ...made, events: fake.events, ran }
})

/** Handlers that are named after the version of their module. */
const versioned = ({ version }: AgentModule) => [{ exported: `v${version}` }]

const failedOf = ({ agents }: Agency) => agents.snapshot().failed
const loadedOf = ({ agents }: Agency) => agents.snapshot().loaded.map(({ agent }) => agent)

describe("agents that are watched", () => {
  it.live("a changed one takes over its subscription, and nothing is lost meanwhile", () =>
    Effect.gen(function*() {
      const { bus, events, ran, write } = yield* watched(
        ["a.ts"],
        (module) => Effect.succeed(versioned(module))
      )
      yield* bus.publish("orders.paid", "first")
      yield* until(() => ran.length === 1)
      write("a.ts", "export const changed = 1")
      for (const _ of Array(50)) yield* bus.publish("orders.paid", "meanwhile")
      yield* until(() => events.includes("unload a"))
      yield* bus.publish("orders.paid", "last")
      yield* until(() => ran.length === 52)
      assert.strictEqual(ran[0], "v0: first")
      assert.match(ran[51] ?? "", /^v[1-9]: last$/)
      const [one] = bus.bus.snapshot().subscriptions
      assert.deepStrictEqual([one?.matched, one?.acked, one?.pending], [52, 52, 0])
    }))

  it.live("the handlers of its former self that run may finish first", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const fake = fakeExecutor(
        (module) => Effect.succeed(versioned(module)),
        ({ exported }) => exported === "v0" ? Deferred.await(gate) : Effect.void
      )
      const { agents, bus, write } = yield* agency(fake.layer, ["a.ts"], { isWatched: true })
      yield* agents.load
      yield* bus.publish("orders.paid", "slow")
      yield* until(() => bus.bus.snapshot().subscriptions[0]?.inFlight === 1)
      write("a.ts", "export const changed = 1")
      yield* until(() => fake.events.filter((event) => event === "loaded a").length === 2)
      assert.notInclude(fake.events, "unload a")
      yield* Deferred.succeed(gate, undefined)
      yield* until(() => fake.events.includes("unload a"))
      const [one] = bus.bus.snapshot().subscriptions
      assert.deepStrictEqual([one?.acked, one?.redelivered, one?.pending], [1, 0, 0])
    }))

  it.live("a change that does not load leaves the former one serving", () =>
    Effect.gen(function*() {
      const agency = yield* watched(
        ["a.ts"],
        (module) =>
          module.version === 0 ? Effect.succeed(versioned(module)) : unloadable("a", "a typo")
      )
      agency.write("a.ts", "a typo")
      yield* until(() => agency.events.filter((event) => event === "load a").length === 2)
      yield* agency.bus.publish("orders.paid", "still")
      yield* until(() => agency.ran.length === 1)
      assert.deepStrictEqual(agency.ran, ["v0: still"])
      assert.deepStrictEqual([loadedOf(agency), failedOf(agency)], [["a.ts"], []])
    }))

  it.live("a change that cannot be attached, such as another topic, leaves it serving too", () =>
    Effect.gen(function*() {
      const agency = yield* watched(["a.ts"], (module) =>
        Effect.succeed([
          ...versioned(module).map((handler) => ({
            ...handler,
            topic: module.version === 0 ? "orders.*" : "other.*"
          }))
        ]))
      agency.write("a.ts", "export const changed = 1")
      yield* until(() => agency.events.includes("unload a"))
      yield* agency.bus.publish("orders.paid", "still")
      yield* until(() => agency.ran.length === 1)
      assert.deepStrictEqual(agency.ran, ["v0: still"])
      assert.deepStrictEqual([loadedOf(agency), failedOf(agency)], [["a.ts"], []])
    }))

  it.live("one that is added serves, and one that is removed does not any more", () =>
    Effect.gen(function*() {
      const agency = yield* watched(["a.ts"], () => Effect.succeed([{}]))
      agency.write("b.ts")
      yield* until(() => loadedOf(agency).length === 2)
      assert.deepStrictEqual(loadedOf(agency), ["a.ts", "b.ts"])
      agency.remove("a.ts")
      yield* until(() => loadedOf(agency).length === 1)
      assert.deepStrictEqual(loadedOf(agency), ["b.ts"])
      const consumers = agency.bus.bus.snapshot().subscriptions.map((one) => one.consumer)
      assert.sameMembers(consumers, ["Handler", "Pull"])
    }))

  it.live("one that failed is tried again with any change: it may be what mends it", () =>
    Effect.gen(function*() {
      const agency = yield* watched(
        ["a.ts", "b.ts"],
        () => Effect.succeed([{ subscription: "one" }])
      )
      assert.deepStrictEqual(loadedOf(agency), ["a.ts"])
      agency.remove("a.ts")
      yield* until(() => loadedOf(agency)[0] === "b.ts")
      assert.deepStrictEqual(failedOf(agency), [])
    }))

  it.live("a change of what agents import (_shared.ts) loads all of them again", () =>
    Effect.gen(function*() {
      const { events, write } = yield* watched(
        ["a.ts", "b.ts", "_shared.ts"],
        () => Effect.succeed([{}])
      )
      write("_shared.ts", "export const changed = 1")
      yield* until(() => events.includes("unload a") && events.includes("unload b"))
    }))
})
