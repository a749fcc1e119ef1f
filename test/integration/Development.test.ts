/**
 * The service as somebody runs it who writes agents.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { agentsWith, eventually, payloads, publish, subscribe } from "./AgentDirectory.ts"
import { start, stop, temporaryFolder } from "./Service.ts"

describe("npm run dev", () => {
  it.live("loads again what changes, and says why a change cannot be loaded", () =>
    Effect.gen(function*() {
      const handler = (text: string) =>
        `import { words } from "./_words.ts"
         export default { topic: "people", handle: (p, { publish }) =>
           publish("greetings", words + ${JSON.stringify(text)}) }`
      const dir = yield* agentsWith({
        "greeter.ts": handler("one"),
        "_words.ts": `export const words = "the "`
      })
      const write = (file: string, text: string) => writeFileSync(join(dir, file), text)
      const service = yield* start(
        join(yield* temporaryFolder, "data"),
        { AGENTS_DIR: dir },
        [process.execPath, "tools/dev.mjs"]
      )
      yield* Effect.addFinalizer(() => stop(service, "SIGTERM")) // And not only the bootstrap.
      const { said, url } = service
      const saying = (text: string) => eventually(Effect.sync(said), (all) => all.includes(text))
      const greeting = Effect.gen(function*() {
        yield* publish(url, "people", {})
        return (yield* payloads(url, "greetings", 1))[0]
      })
      yield* subscribe(url, "greetings", "greetings")
      yield* saying("agents are loaded again when their files change")
      assert.strictEqual(yield* greeting, "the one")
      write("greeter.ts", handler("two"))
      yield* saying("agent greeter.ts: loaded again")
      assert.strictEqual(yield* greeting, "the two")
      write("greeter.ts", "export default {")
      yield* saying("agent greeter.ts: it does not load: ")
      yield* saying("(its former version goes on)")
      assert.strictEqual(yield* greeting, "the two")
      write("_words.ts", `export const words = "now "`)
      write("greeter.ts", handler("three"))
      yield* eventually(greeting, (text) => text === "now three")
    }))
})
