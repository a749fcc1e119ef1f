import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import * as WorkerThreads from "../../../src/layers/executor/WorkerThreads.ts"
import { agency, until } from "./Agency.ts"

const doubling = `export default {
  topic: "numbers",
  handle: (n, { publish }) => publish("doubled", n * 2)
}`

describe("agents in a thread", () => {
  it.live("a module that never gives its thread back fails, and the others go on serving", () =>
    Effect.gen(function*() {
      const { agents, bus, write } = yield* agency(
        WorkerThreads.layer({ threads: 1 }),
        { "doubling.js": doubling },
        { isWatched: true, timeout: Duration.seconds(10) }
      )
      yield* agents.load
      const seen: Array<unknown> = []
      yield* bus.handle("seen", "doubled", (n) => Effect.sync(() => void seen.push(n)))
      write("spinning.js", "for (;;) {}")
      yield* until(() => agents.snapshot().failed.length === 1)
      yield* bus.publish("numbers", 21)
      yield* until(() => seen.length === 1)
      assert.deepStrictEqual(seen, [42])
      const { failed, loaded } = agents.snapshot()
      assert.deepStrictEqual(loaded.map(({ agent }) => agent), ["doubling.js"])
      assert.deepStrictEqual(failed.map(({ agent }) => agent), ["spinning.js"])
    }))

  it.live("modules that fail, or end their thread, take no other one along", () =>
    Effect.gen(function*() {
      const { agents } = yield* agency(WorkerThreads.layer({ threads: 2 }), {
        "broken.js": "export default {",
        "empty.js": "",
        "throwing.js": "throw new Error('no model')",
        "missing.js": "import 'nonesuch'",
        "exiting.js": "process.exit(3)",
        "doubling.js": doubling
      })
      yield* agents.load
      const { failed, loaded } = agents.snapshot()
      assert.deepStrictEqual(loaded.map(({ agent }) => agent), ["doubling.js"])
      assert.lengthOf(failed, 5)
      const exiting = failed.find(({ agent }) => agent === "exiting.js")
      assert.strictEqual(exiting?.reason, "it ends its thread")
    }))
})
