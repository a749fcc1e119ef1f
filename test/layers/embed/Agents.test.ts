import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as CodeFactory from "../../../src/CodeFactory.ts"
import { directory } from "../../contracts/Directory.ts"

const doubling = `export default {
  topic: "numbers",
  handle: (n, { publish }) => publish("doubled", n * 2)
}`

/** A directory with one agent that works and one that does not. */
const agentsDir = Effect.map(directory, (path) => {
  const made = join(path, "agents")
  mkdirSync(made)
  writeFileSync(join(made, "doubling.js"), doubling)
  writeFileSync(join(made, "broken.js"), "export default {")
  return made
})

describe("agents of a program that embeds the bus", () => {
  it.live.each([0, 1])("serve once it is open, in %s threads; one that failed is told", (
    executorThreads
  ) =>
    Effect.gen(function*() {
      const options = { profile: "memory", agentsDir: yield* agentsDir, executorThreads } as const
      yield* Effect.gen(function*() {
        const { handle, publish } = yield* CodeFactory.CodeFactory
        const { failed, loaded, state } = (yield* CodeFactory.Agents).snapshot()
        assert.strictEqual(state, "Started")
        assert.deepStrictEqual(loaded, [{ agent: "doubling.js", subscriptions: ["doubling"] }])
        assert.deepStrictEqual(failed.map(({ agent }) => agent), ["broken.js"])
        const seen = yield* Deferred.make<unknown>()
        yield* handle("seen", "doubled", (n) => Deferred.succeed(seen, n))
        yield* publish("numbers", 21)
        assert.strictEqual(yield* Deferred.await(seen), 42)
      }).pipe(Effect.scoped, Effect.provide(CodeFactory.layer(options)))
    }))

  it.live("a directory that is not there is an illegal option", () =>
    Effect.gen(function*() {
      const opened = CodeFactory.layer({ profile: "memory", agentsDir: "no-such-directory" })
      const refused = yield* Effect.flip(Effect.provide(Effect.void, opened))
      assert.strictEqual(refused._tag, "OptionsInvalid")
      assert.include(refused.message, "no-such-directory")
    }))

  it.live("without a directory there are none, and nothing is loading", () =>
    Effect.gen(function*() {
      const { snapshot } = yield* CodeFactory.Agents
      assert.deepStrictEqual(snapshot(), {
        state: "Started",
        loading: [],
        loaded: [],
        failed: []
      })
    }).pipe(Effect.provide(CodeFactory.layer({ profile: "memory" }))))
})
