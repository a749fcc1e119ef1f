/**
 * Directories of agents, and a client of what they do.
 */
import { assert } from "@effect/vitest"
import { Effect, Schedule, type Scope } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { call } from "./Service.ts"

/** A directory of agents, far from any node_modules. */
export const agentsWith = (
  files: Readonly<Record<string, string>>
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = mkdtempSync(join(tmpdir(), "codefactory-agents-"))
      Object.entries(files).forEach(([file, text]) => writeFileSync(join(path, file), text))
      return path
    }),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )

/** Asks until the answer is as wanted. */
export const eventually = <A>(ask: Effect.Effect<A, Error>, isWanted: (answer: A) => boolean) =>
  Effect.repeat(ask, { until: isWanted, schedule: Schedule.spaced("20 millis") })

/** Publishes one message, which is accepted. */
export const publish = (url: string, topic: string, payload: unknown) =>
  Effect.map(
    call(`${url}/v1/topics/${topic}/messages`, "POST", { payload }),
    ({ status }) => assert.strictEqual(status, 202)
  )

/** Creates a subscription. */
export const subscribe = (url: string, name: string, topic: string) =>
  call(`${url}/v1/subscriptions/${name}`, "PUT", { topic })

/** Takes the payloads that a subscription holds, at least so many. */
export const payloads = (url: string, name: string, count: number) =>
  Effect.gen(function*() {
    const subscription = `${url}/v1/subscriptions/${name}`
    const seen: Array<unknown> = []
    while (seen.length < count) {
      const { body } = yield* call(`${subscription}/pull`, "POST", { max: 10, waitMs: 1_000 })
      seen.push(...body.deliveries.map(({ message }) => message.payload as unknown))
      const ackIds = body.deliveries.map(({ ackId }) => ackId)
      if (ackIds.length > 0) yield* call(`${subscription}/ack`, "POST", { ackIds })
    }
    return seen
  })
