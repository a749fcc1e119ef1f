/**
 * Many clients that keep their connections open and say nothing.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { publish } from "./Consume.ts"
import { call, start, stop, temporaryFolder } from "./Service.ts"

/** A connection that has been answered once and is kept. */
const idle = (url: string) =>
  Effect.acquireRelease(
    Effect.callback<Socket, Error>((resume) => {
      const { hostname, port } = new URL(url)
      const socket = connect(Number(port), hostname)
      socket.once("error", (error) => resume(Effect.fail(error)))
      socket.once("close", () => resume(Effect.fail(new Error("the connection was closed"))))
      socket.once("data", () => resume(Effect.succeed(socket)))
      socket.write(`GET /livez HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`)
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const residentMemory = (pid: number | undefined): string =>
  /VmRSS:\s+(.*)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "unknown"

describe("a service with 1,000 idle connections", () => {
  it.live("goes on accepting messages, keeps every connection, and ends well", () =>
    Effect.gen(function*() {
      const service = yield* start(yield* temporaryFolder)
      const before = residentMemory(service.process.pid)
      const sockets = yield* Effect.forEach(
        Array.from({ length: 1_000 }),
        () => idle(service.url),
        {
          concurrency: 100
        }
      )
      const statuses = yield* Effect.forEach(
        Array.from({ length: 200 }),
        () => Effect.map(publish(service.url, "x"), ({ status }) => status),
        { concurrency: 20 }
      )
      assert.deepStrictEqual(new Set(statuses), new Set([202]))
      assert.strictEqual(sockets.filter(({ readyState }) => readyState === "open").length, 1_000)
      assert.strictEqual((yield* call(`${service.url}/readyz`, "GET")).body.status, "ok")
      const after = residentMemory(service.process.pid)
      yield* Effect.logInfo(`resident: ${before} before, ${after} with 1,000 connections`)
      assert.strictEqual(yield* stop(service, "SIGTERM"), 0)
    }))
})
