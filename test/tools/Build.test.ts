/**
 * The bundle: the same program in a few files.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { build } from "../../tools/build.ts"
import { publish } from "../integration/Consume.ts"
import { runToEnd, start, stop, temporaryFolder } from "../integration/Service.ts"

/** The whole program is bundled and started twice. */
const limitMs = 120_000

describe("the bundle", () => {
  it.live(
    "serves, keeps what it accepted, and ends like the program itself",
    () =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        const files = yield* Effect.promise(() => build(join(folder, "dist")))
        assert.includeMembers([...files], ["main.js", "thread.js", "CodeFactory.js", "Agent.js"])
        const command = [process.execPath, "--disable-warning=ExperimentalWarning"]
        command.push(join(folder, "dist", "main.js"))
        const data = join(folder, "data")
        const first = yield* start(data, {}, [...command, "serve"])
        const { body } = yield* publish(first.url, { n: 1 })
        assert.strictEqual(yield* stop(first, "SIGTERM"), 0)
        const second = yield* start(data, {}, [...command, "serve"])
        const found = yield* Effect.promise(() => fetch(`${second.url}/v1/messages/${body.id}`))
        assert.strictEqual(found.status, 200)
        assert.strictEqual(yield* stop(second, "SIGTERM"), 0)
        const refused = yield* runToEnd([...command, "serve"], { PORT: "no" })
        assert.strictEqual(refused.code, 78)
        assert.include(refused.err, "PORT")
      }),
    limitMs
  )
})
