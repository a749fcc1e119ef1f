/**
 * `codefactory lock` beside a real service: one command at a time, which ends with its lock.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { endOf, launch, runToEnd, serve, start, stop, temporaryFolder } from "./Service.ts"

/** `codefactory lock` instead of `codefactory serve`. */
const lock = (url: string, ...args: ReadonlyArray<string>) => [
  ...serve.slice(0, -1),
  "lock",
  "--url",
  url,
  ...args
]

/** Starts it, and waits until its command says so. */
const begun = Effect.fnUntraced(function*(command: ReadonlyArray<string>) {
  const { child, text } = yield* launch(command, {})
  yield* Effect.callback<void>((resume) => {
    child.stdout?.on("data", () => text.out.includes("begun") && resume(Effect.void))
  })
  return { child, text }
})

describe("codefactory lock", () => {
  it.live(
    "runs one command at a time, with its token, and ends with its exit code",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { url } = yield* start(yield* temporaryFolder)
        const token = "echo $CODEFACTORY_FENCING_TOKEN $1; exit 7"
        const first = yield* runToEnd(lock(url, "a", "--", "sh", "-c", token, "sh", "--wait"))
        const second = yield* runToEnd(lock(url, "a", "--", "sh", "-c", token, "sh", "-x"))
        assert.deepStrictEqual([first.code, second.code], [7, 7])
        const [[one, argument], [two]] = [first.out.split(/\s/), second.out.split(/\s/)]
        assert.strictEqual(argument, "--wait")
        assert.isAbove(Number(two), Number(one))

        const { child, text } = yield* begun(
          lock(url, "a", "--", "sh", "-c", "echo begun; sleep 60; echo ended")
        )
        const refused = yield* runToEnd(lock(url, "a", "--wait", "0", "--", "true"))
        assert.strictEqual(refused.code, 1)
        assert.include(refused.err, "a is held by another; its lease ends in ")
        const waiting = yield* Effect.forkChild(runToEnd(lock(url, "a", "--", "echo", "mine")))
        yield* Effect.sleep("1 second")
        child.kill("SIGTERM")
        yield* endOf(child)
        assert.notInclude(text.out, "ended")
        const late = yield* Fiber.join(waiting)
        assert.deepStrictEqual([late.code, late.out], [0, "mine\n"])
      })),
    60_000
  )

  it.live("ends its command when the lock is lost", () =>
    Effect.scoped(Effect.gen(function*() {
      const service = yield* start(yield* temporaryFolder)
      const { child, text } = yield* begun(
        lock(
          service.url,
          ...["b", "--lease", "1", "--", "sh", "-c"],
          "trap 'echo told; exit' TERM; echo begun; sleep 60 & wait"
        )
      )
      yield* stop(service, "SIGKILL")
      assert.strictEqual(yield* endOf(child), 1)
      assert.include(text.err, "the lease on b has ended")
      assert.include(text.out, "told")
    })), 60_000)

  it.live("refuses names that none can have, and nothing to run", () =>
    Effect.gen(function*() {
      const misnamed = yield* runToEnd(lock("http://127.0.0.1:1", "a b", "--", "true"))
      assert.strictEqual(misnamed.code, 2)
      assert.include(misnamed.err, "NAME: expected 1 to 200 letters")
      const nothing = yield* runToEnd(lock("http://127.0.0.1:1", "a"))
      assert.deepStrictEqual([nothing.code, nothing.err.includes("command")], [2, true])
    }))
})
