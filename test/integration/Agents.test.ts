/**
 * The real service with a directory of agents that stands outside of the repository.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { agentsWith, eventually, payloads, publish, subscribe } from "./AgentDirectory.ts"
import { drain } from "./Consume.ts"
import { call, endOf, runToEnd, serve, start, stop, temporaryFolder } from "./Service.ts"

/** Imports the library and Effect, neither of which is installed where it stands. */
const greeter = `
import { on, PermanentFailure } from "codefactory/agent"
import { Topic } from "codefactory"
import { Effect, Schema } from "effect"
import { words } from "./_words.ts"

const People = Topic.make("people", Schema.Struct({ name: Schema.String }))
export const greet = on(People, ({ name }, { publish }) =>
  Effect.promise(() => publish("greetings", words + ", " + name)))
export const refuse = on<string>("refused", (reason) => {
  throw new PermanentFailure({ reason })
})
`

const plain =
  `export default { topic: "numbers", handle: (n, { publish }) => publish("doubled", n * 2) }`

describe("a service with AGENTS_DIR", () => {
  it.live.each(["0", "2"])("names agents that fail and serves with the rest, in %s threads", (
    threads
  ) =>
    Effect.gen(function*() {
      const agents = { "broken.ts": "export default {\n  topic: \"a\",\n  handle: (x: ) => 1\n}" }
      const dir = yield* agentsWith({
        ...agents,
        "greeter.ts": greeter,
        "_words.ts": `export const words: string = "Hello"`,
        "numbers.js": plain,
        "hanging.ts": "await new Promise(() => setInterval(() => {}, 1_000))",
        "checked.mjs": `${plain}\nexport const check = () => { throw new Error("no model") }`
      })
      const service = yield* start(join(yield* temporaryFolder, "data"), {
        AGENTS_DIR: dir,
        EXECUTOR_THREADS: threads,
        STARTUP_TIMEOUT: "10"
      })
      const { said, url } = service
      const state = yield* eventually(
        call(`${url}/startupz`, "GET"),
        ({ body }) => body.agents.loading.join() === "hanging.ts"
      )
      assert.deepStrictEqual([state.status, state.body.status], [503, "starting"])
      assert.strictEqual((yield* call(`${url}/readyz`, "GET")).status, 503)
      assert.strictEqual((yield* call(`${url}/livez`, "GET")).status, 200)

      yield* subscribe(url, "seen", "*")
      yield* publish(url, "people", { name: "Ada" })
      yield* publish(url, "numbers", 21)
      const seen = yield* payloads(url, "seen", 4)
      assert.includeMembers(seen, ["Hello, Ada", 42])

      const { body } = yield* eventually(
        call(`${url}/startupz`, "GET"),
        ({ status }) => status === 200
      )
      assert.deepStrictEqual(body.agents.loaded, [
        { agent: "greeter.ts", subscriptions: ["greeter.greet", "greeter.refuse"] },
        { agent: "numbers.js", subscriptions: ["numbers"] }
      ])
      const reasons = new Map(body.agents.failed.map(({ agent, reason }) => [agent, reason]))
      assert.deepStrictEqual([...reasons.keys()], ["broken.ts", "checked.mjs", "hanging.ts"])
      assert.include(reasons.get("broken.ts"), "broken.ts:3: ")
      assert.strictEqual(reasons.get("checked.mjs"), "its check fails: no model")
      assert.include(reasons.get("hanging.ts"), "STARTUP_TIMEOUT (10 s)")
      for (const [agent, reason] of reasons) assert.include(said(), `agent ${agent}: ${reason}\n`)
      const ready = yield* call(`${url}/readyz`, "GET")
      assert.deepStrictEqual([ready.status, ready.body.status], [200, "degraded"])
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))

  it.live.each(["0", "1"])(
    "outlives a rejection that an agent forgot, in %s threads",
    (threads) =>
      Effect.gen(function*() {
        const dir = yield* agentsWith({
          "forgetful.mjs": `export default {
          topic: "asked",
          handle: (_, { publish }) => {
            void Promise.reject(new Error("forgotten"))
            return new Promise((resolve) => setTimeout(resolve, 50)).then(() => publish("told", 1))
          }
        }`
        })
        const folder = join(yield* temporaryFolder, "data")
        const service = yield* start(folder, { AGENTS_DIR: dir, EXECUTOR_THREADS: threads })
        const { said, url } = service
        yield* eventually(call(`${url}/startupz`, "GET"), ({ status }) => status === 200)
        yield* subscribe(url, "seen", "told")
        yield* publish(url, "asked", 1)
        assert.deepStrictEqual(yield* payloads(url, "seen", 1), [1])
        assert.include(said(), "forgotten")
        assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
      })
  )

  it.live("a permanent failure of an agent is a dead letter at once", () =>
    Effect.gen(function*() {
      const dir = yield* agentsWith({
        "greeter.ts": greeter,
        "_words.ts": `export const words = ""`
      })
      const folder = join(yield* temporaryFolder, "data")
      const { url } = yield* start(folder, { AGENTS_DIR: dir })
      yield* eventually(call(`${url}/startupz`, "GET"), ({ status }) => status === 200)
      yield* publish(url, "refused", "no stock")
      const { body } = yield* eventually(
        call(`${url}/v1/dead-letters`, "GET"),
        ({ body }) => body.deadLetters.length === 1
      )
      assert.strictEqual(body.deadLetters[0]?.attempts, 1)
      assert.include(body.deadLetters[0]?.error, "no stock")
    }))

  it.live("SKIP_IMPORT_VALIDATION=1 believes agents, also one after another", () =>
    Effect.gen(function*() {
      const dir = yield* agentsWith({
        "checked.mjs": `${plain}\nexport const check = () => { throw new Error("no model") }`
      })
      const folder = join(yield* temporaryFolder, "data")
      const { url } = yield* start(folder, {
        AGENTS_DIR: dir,
        SKIP_IMPORT_VALIDATION: "1",
        PARALLEL_AGENT_LOADING: "0"
      })
      const { body } = yield* eventually(
        call(`${url}/startupz`, "GET"),
        ({ status }) => status === 200
      )
      assert.deepStrictEqual(body.agents.failed, [])
      assert.strictEqual(body.agents.loaded[0]?.agent, "checked.mjs")
    }))

  it.live("SIGTERM lets a handler that runs finish, and what it published is kept", () =>
    Effect.gen(function*() {
      const dir = yield* agentsWith({})
      const go = join(dir, "go")
      writeFileSync(
        join(dir, "slow.ts"),
        `import { existsSync } from "node:fs"
         export default { topic: "work", handle: async (n, { publish }) => {
           await publish("begun", n)
           while (!existsSync(${JSON.stringify(go)})) await new Promise((on) => setTimeout(on, 10))
         } }`
      )
      const folder = join(yield* temporaryFolder, "data")
      const first = yield* start(folder, { AGENTS_DIR: dir })
      yield* subscribe(first.url, "begun", "begun")
      yield* eventually(call(`${first.url}/startupz`, "GET"), ({ status }) => status === 200)
      yield* publish(first.url, "work", 1)
      assert.lengthOf(yield* drain(first.url, "begun"), 1)
      first.process.kill("SIGTERM")
      yield* eventually(call(`${first.url}/readyz`, "GET"), ({ status }) => status === 503)
      assert.isNull(first.process.exitCode)
      writeFileSync(go, "")
      assert.strictEqual(yield* endOf(first.process), 0)
      const { url } = yield* start(folder)
      const { body } = yield* call(`${url}/v1/subscriptions/slow`, "GET")
      assert.strictEqual(body.pending, 0)
    }))

  it.live("a handler that never returns holds up nobody, and its message is dead in the end", () =>
    Effect.gen(function*() {
      const dir = yield* agentsWith({
        "numbers.js": plain,
        "spin.ts": `export default {
          topic: "spin",
          handle: () => { for (;;); },
          options: { timeout: 1_000, maxAttempts: 2 }
        }`
      })
      const service = yield* start(join(yield* temporaryFolder, "data"), {
        AGENTS_DIR: dir,
        EXECUTOR_THREADS: "2"
      })
      const { said, url } = service
      yield* eventually(call(`${url}/startupz`, "GET"), ({ status }) => status === 200)
      yield* subscribe(url, "doubled", "doubled")
      yield* publish(url, "spin", "for ever")
      const numbers = Array.from({ length: 200 }, (_, n) => n)
      yield* Effect.forEach(numbers, (n) => publish(url, "numbers", n), { discard: true })
      const seen = yield* payloads(url, "doubled", numbers.length)
      assert.sameMembers(seen, numbers.map((n) => n * 2))
      const { body } = yield* eventually(
        call(`${url}/v1/dead-letters`, "GET"),
        ({ body }) => body.deadLetters.length > 0
      )
      assert.deepStrictEqual(body.deadLetters.map(({ attempts }) => attempts), [2])
      assert.include(said(), "did not let go")
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))

  it.live("a directory that is not there is an illegal setting", () =>
    Effect.gen(function*() {
      const { code, err } = yield* runToEnd(serve, { AGENTS_DIR: "no-such-directory" })
      assert.strictEqual(code, 78)
      assert.include(err, "AGENTS_DIR")
      assert.include(err, "it does not exist")
    }))
})
