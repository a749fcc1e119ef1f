/**
 * What every executor keeps, as one suite for all of them.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, type Layer, Scope } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Executor } from "../../src/services/Executor.ts"
import { temporaryFolder } from "../integration/Service.ts"
import { eager, handed, lazy, type Live, loaded } from "./ExecutorAgents.ts"
import { afterwards, calling, interrupting } from "./ExecutorCalls.ts"
import { delivery, outlet } from "./ExecutorDeliveries.ts"

/** The suite, over one executor: starting threads for each test would take most of its time. */
export const executorContract = (name: string, executor: Layer.Layer<Executor>) =>
  layer(executor, { excludeTestServices: true, timeout: 60_000 })(name, (it) => {
    const live: Live = (title, test) => it.effect(title, () => Effect.scoped(test))
    loading(live)
    running(live)
    calling(live)
    afterwards(live)
    interrupting(live)
  })

const loading = (live: Live) => {
  live(
    "finds the handlers of a module, each once, with its options as plain data",
    Effect.gen(function*() {
      const { handlers, of } = yield* loaded("orders")
      assert.isFalse(handlers.some(({ exported }) => /^(default|limit)$/.test(exported)))
      const { options, subscription, topic } = of("plain")
      assert.deepStrictEqual([subscription, topic], ["orders.plain", "orders.*"])
      assert.deepStrictEqual(options, {
        ordering: "topic",
        timeout: 5_000,
        retry: { base: 20, delays: [1_000, 5] },
        filter: { "payload.amount": { gte: 5 } },
        fates: { Closed: "park" }
      })
      const typed = yield* loaded("typed")
      assert.strictEqual(typed.of("dated").topic, "orders.placed")
      assert.strictEqual(typed.of("heavy").subscription, "a-model")
      const ids = [...handlers, ...typed.handlers].map(({ id }) => id)
      assert.strictEqual(new Set(ids).size, ids.length)
    })
  )
  live(
    "refuses a module that cannot be used, and says why",
    Effect.gen(function*() {
      const refused = [
        ["broken", lazy, "it does not load: no such model"],
        ["empty", lazy, "it exports no handler"],
        ["illegal", lazy, "export late: options.timeout: expected a finite duration"],
        ["checked", lazy, "its check fails: DATABASE_URL is not set"],
        ["typed", eager, "the heavy part of heavy: no model yet"],
        ["absent", lazy, "it does not load: "]
      ] as const
      for (const [name, options, reason] of refused) {
        const error = yield* Effect.flip(loaded(name, options))
        assert.strictEqual(error._tag, "AgentUnloadable")
        assert.strictEqual(error.agent, name)
        assert.include(error.reason, reason)
      }
      const { handlers } = yield* loaded("checked", { isHeavyLazy: true, isCheckSkipped: true })
      assert.deepStrictEqual(handlers.map((found) => found.subscription), ["checked"])
    })
  )
  live(
    "loads a changed module under another version, beside its former self",
    Effect.gen(function*() {
      const { load, run } = yield* Executor
      const { calls, sent } = yield* outlet
      const folder = yield* temporaryFolder
      const file = join(folder, "changing.mjs")
      const version = Effect.fnUntraced(function*(number: number) {
        const handle = `({ publish }) => publish("version", ${number})`
        writeFileSync(file, `export const a = { topic: "t", handle: (_, on) => (${handle})(on) }`)
        const module = { name: "changing", url: pathToFileURL(file).href, version: number }
        const [handler = assert.fail("no handler")] = yield* load(module, lazy)
        return run(handler, delivery(1), calls)
      })
      const first = yield* version(1)
      const second = yield* version(2)
      for (const [which, number] of [[first, 1], [second, 2], [first, 1]] as const) {
        yield* which
        assert.strictEqual((yield* sent).value, number)
      }
    })
  )
  live(
    "does not begin a handler whose module is unloaded",
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { of } = yield* Scope.provide(loaded("orders"), scope)
      const { calls } = yield* outlet
      const { run } = yield* Executor
      yield* run(of("plain"), delivery(1), calls)
      yield* Scope.close(scope, Exit.void)
      const error = yield* Effect.flip(run(of("plain"), delivery(1), calls))
      assert.strictEqual(error._tag, "HandlerNotBegun")
    })
  )
}

const running = (live: Live) => {
  live(
    "runs handlers that return a value, a promise or an Effect, many at a time",
    Effect.gen(function*() {
      const { of } = yield* loaded("orders")
      const { calls } = yield* outlet
      const { run, snapshot } = yield* Executor
      const one = (n: number) =>
        run(of(n % 2 === 0 ? "plain" : "awaited"), delivery({ n, text: "ü\u2028😀" }), calls)
      yield* Effect.forEach(Array.from({ length: 1_000 }, (_, n) => n), one, {
        concurrency: 100,
        discard: true
      })
      assert.deepInclude(snapshot(), { running: 0, waiting: 0, lost: 0, crashed: 0 })
    })
  )
  live(
    "shows a handler the message as it was published",
    Effect.gen(function*() {
      const payload = { text: "ü\u0000\u2028😀\"", big: 1e21, none: null, deep: [[{}]] }
      const more = { headers: `{"a":"b"}`, context: `{"tenant":"t1"}`, deliverAt: 17 }
      const { given, run, sent } = yield* handed("seen", payload, more)
      yield* run
      const { topic, value } = yield* sent
      assert.strictEqual(topic, "seen")
      assert.deepStrictEqual(value, {
        payload,
        attempt: 2,
        context: { tenant: "t1" },
        headers: { a: "b" },
        message: JSON.parse(JSON.stringify(given.message)),
        subscription: "a-subscription"
      })
    })
  )
  live(
    "says how a handler failed, whether it threw, rejected or failed",
    Effect.gen(function*() {
      const { of } = yield* loaded("orders")
      const { calls } = yield* outlet
      const { run } = yield* Executor
      const told = [
        ["throws", "TypeError", "TypeError: no order", false],
        ["rejects", "Closed", "shut", false],
        ["fails", "Closed", "shut", false],
        ["dies", "RangeError", "out of range", false],
        ["for good", "PermanentFailure", "no such customer", true],
        ["for good by name", "PermanentFailure", "no such customer", true],
        ["for no reason", undefined, "undefined", false]
      ] as const
      for (const [how, tag, text, isPermanent] of told) {
        const error = yield* Effect.flip(run(of("failing"), delivery(how), calls))
        if (error._tag !== "HandlerFailed") return assert.fail(error._tag)
        assert.deepStrictEqual([error.tag, error.isPermanent], [tag, isPermanent], how)
        assert.include(error.error, text)
      }
    })
  )
  live(
    "gives the handler of a typed topic decoded payloads; what does not fit is dead at once",
    Effect.gen(function*() {
      const { of } = yield* loaded("typed")
      const { calls, sent } = yield* outlet
      const { run } = yield* Executor
      yield* run(of("dated"), delivery({ at: "2026-01-02T03:04:05.000Z" }), calls)
      assert.deepStrictEqual((yield* sent).value, { isDate: true, year: 2026 })
      const error = yield* Effect.flip(run(of("dated"), delivery({ at: 5 }), calls))
      if (error._tag !== "HandlerFailed") return assert.fail(error._tag)
      assert.deepStrictEqual([error.tag, error.isPermanent], ["PermanentFailure", true])
      assert.include(error.error, "payload: ")
    })
  )
  live(
    "makes what is heavy at the first message, once for all that follow, and again if it failed",
    Effect.gen(function*() {
      const { of } = yield* loaded("typed")
      const { calls, sent } = yield* outlet
      const { run } = yield* Executor
      // It fails once in each thread.
      const one = Effect.retry(run(of("heavy"), delivery(1), calls), { times: 9 })
      yield* Effect.all([one, one, one], { concurrency: "unbounded", discard: true })
      const models = [(yield* sent).value, (yield* sent).value, (yield* sent).value]
      assert.strictEqual(new Set(models).size, 1)
      assert.isAtLeast(Number(models[0]), 2)
    })
  )
}
