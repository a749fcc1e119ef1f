/**
 * The disk fills up while the service runs, and is emptied again.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schedule } from "effect"
import { closeSync, openSync, readdirSync, rmSync, statSync, writeSync } from "node:fs"
import { join } from "node:path"
import { drain, publish, subscribe } from "./Consume.ts"
import { mounted } from "./Namespace.ts"
import { call, runToEnd, serve, start, stop, temporaryFolder } from "./Service.ts"

/** A message that needs room of its own in the log. */
const payload = "x".repeat(20_000)

/** Writes into a file until nothing more fits. */
const fill = (path: string): void => {
  const fd = openSync(path, "w")
  for (const size of [65_536, 4_096]) {
    const zeros = Buffer.alloc(size)
    try {
      while (writeSync(fd, zeros) === size);
    } catch { /* It is full. */ }
  }
  closeSync(fd)
}

/** Publishes until something is refused, at most 1,000 times. */
const publishUntilRefused = Effect.fnUntraced(function*(url: string, ids: Set<string>) {
  for (let count = 0; count < 1_000; count++) {
    const answer = yield* publish(url, payload)
    if (answer.status !== 202) return answer
    ids.add(answer.body.id)
  }
  return yield* Effect.fail(new Error("the disk never filled up"))
})

/** Publishes until something is accepted: within 5 s by the design, 50 times 100 ms. */
const acceptedAgain = (url: string) =>
  Effect.flatMap(
    publish(url, payload),
    ({ body, status }) =>
      status === 202 ? Effect.succeed(body) : Effect.fail(new Error(JSON.stringify(body)))
  ).pipe(Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 50 }))

/** The size of the largest file of a folder: none of them may pass it any more. */
const largest = (folder: string): number =>
  Math.max(...readdirSync(folder).map((name) => statSync(join(folder, name)).size))

describe("a service whose disk is full", () => {
  it.live("F13: answers 503 while it lasts, recovers by itself, and loses nothing", (context) =>
    Effect.gen(function*() {
      const dataDir = yield* temporaryFolder
      const mount = yield* Effect.result(mounted(dataDir, "size=16m"))
      if (Result.isFailure(mount)) return context.skip(`nothing can be mounted: ${mount.failure}`)
      const { inside, seenFromOutside } = mount.success
      const ballast = seenFromOutside(join(dataDir, "ballast"))
      const first = yield* start(dataDir, {}, inside(serve))
      const { url } = first
      const ids = new Set<string>()
      yield* subscribe(url, "full")
      for (let count = 0; count < 10; count++) ids.add((yield* publish(url, payload)).body.id)

      fill(ballast)
      const refused = yield* publishUntilRefused(url, ids)
      for (const answer of [refused, yield* publish(url, payload), yield* publish(url, payload)]) {
        assert.strictEqual(answer.status, 503)
        assert.deepInclude<object>(answer.body, {
          type: "/problems/log-unavailable",
          reason: "Full"
        })
        assert.match(answer.headers.get("retry-after") ?? "", /^\d+$/)
      }
      const ready = yield* call(`${url}/readyz`, "GET")
      assert.strictEqual(ready.body.status, "degraded")
      assert.match(ready.body.degraded.join(), /the log refused the last publish: .*full/)
      assert.strictEqual((yield* call(`${url}/livez`, "GET")).status, 200)

      rmSync(ballast)
      ids.add((yield* acceptedAgain(url)).id)
      assert.deepStrictEqual<object>((yield* call(`${url}/readyz`, "GET")).body, {
        status: "ok",
        degraded: []
      })
      assert.strictEqual(yield* stop(first, "SIGTERM"), 0)

      const second = yield* start(dataDir, {}, inside(serve))
      const delivered = yield* drain(second.url, "full")
      assert.strictEqual(delivered.length, ids.size)
      assert.deepStrictEqual(new Set(delivered), ids, "what was accepted, and nothing refused")
      assert.strictEqual(yield* stop(second, "SIGTERM"), 0)
    }))

  it.live("F13: answers 503 while its files may not grow (EFBIG), and recovers by itself", () =>
    Effect.gen(function*() {
      const dataDir = yield* temporaryFolder
      const service = yield* start(dataDir)
      const { url } = service
      const ids = new Set<string>()
      yield* subscribe(url, "full")
      for (let count = 0; count < 10; count++) ids.add((yield* publish(url, payload)).body.id)
      const limitFiles = (bytes: string) =>
        Effect.map(
          runToEnd(["prlimit", "--pid", String(service.process.pid), `--fsize=${bytes}`]),
          ({ code, err }) => assert.strictEqual(code, 0, err)
        )
      yield* limitFiles(`${largest(dataDir)}:unlimited`)
      const refused = yield* publishUntilRefused(url, ids)
      assert.strictEqual(refused.status, 503)
      assert.deepInclude<object>(refused.body, { type: "/problems/log-unavailable" })
      // Room within the files may be used again; what is accepted then is kept like all else.
      for (let count = 0; count < 20; count++) {
        const { body, status } = yield* publish(url, payload)
        assert.include([202, 503], status)
        if (status === 202) ids.add(body.id)
      }
      assert.strictEqual((yield* call(`${url}/livez`, "GET")).status, 200)
      yield* limitFiles("unlimited")
      ids.add((yield* acceptedAgain(url)).id)
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)

      const second = yield* start(dataDir)
      const delivered = yield* drain(second.url, "full")
      assert.strictEqual(delivered.length, ids.size)
      assert.deepStrictEqual(new Set(delivered), ids, "what was accepted, and nothing refused")
      assert.strictEqual(yield* stop(second, "SIGTERM"), 0)
    }))
})
