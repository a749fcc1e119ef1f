/**
 * Isolation: how long publishers wait while handlers take the time of a processor.
 */
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import type { Snapshot } from "../../src/domain/Snapshot.ts"
import { load, root, startGenerator } from "../load/Processes.ts"
import { service, type StartServer } from "../load/Server.ts"
import { acquire, release } from "../load/Sharing.ts"
import { payloadOf, topicOf } from "../Payloads.ts"
import type { Contender, Workload } from "../Workload.ts"

/** Publishes that are measured: so many a second, for so long. */
const light = { rate: 500, seconds: 2, connections: 16 }

/** What the handlers get meanwhile: half of the time of a processor, in large or small pieces. */
const pieces = [{ millis: 10, rate: 50 }, { millis: 1, rate: 500 }]

const agents = { AGENTS_DIR: join(root, "bench", "agents") }
const inThread = service({ kept: "in memory", env: { ...agents, EXECUTOR_THREADS: "0" } })
const inThreads = service({ kept: "in memory", env: { ...agents, EXECUTOR_THREADS: "1" } })

const contender = (
  name: string,
  startServer: StartServer,
  { millis, rate }: typeof pieces[number]
): Contender => ({
  name,
  kept: "in memory",
  open: async (smoke) => {
    const server = await acquire(startServer, smoke)
    const [lights, heavies] = await Promise.all([
      acquire(startGenerator, smoke),
      startGenerator()
    ])
    const seconds = smoke ? 0.2 : light.seconds
    const requests = light.rate * seconds
    const heavyRequests = rate * seconds
    const to = { port: server.port, connections: light.connections }
    return {
      run: async () => {
        const [{ p50, p99, seconds: took, statuses }, heavy] = await Promise.all([
          load(lights, {
            ...to,
            requests,
            rate: light.rate,
            bodies: [{
              path: `/v1/topics/${topicOf(0)}/messages`,
              body: JSON.stringify({ payload: payloadOf(0) })
            }]
          }),
          load(heavies, {
            ...to,
            requests: heavyRequests,
            rate,
            bodies: [{
              path: "/v1/topics/bench.heavy/messages",
              body: `{"payload":{"millis":${millis}}}`
            }]
          })
        ])
        await handled(server.port, heavy.statuses["202"] ?? 0)
        return {
          count: (statuses["202"] ?? 0) + (heavy.statuses["202"] ?? 0),
          expected: requests + heavyRequests,
          values: { perSecond: requests / took, p50, p99 }
        }
      },
      close: async () => {
        await Promise.all([heavies.stop(), release(smoke, server, lights)])
      }
    }
  }
})

/** Waits until the agent has handled what it got, and makes sure that it did get it. */
const handled = async (port: number, atLeast: number): Promise<void> => {
  const state = { acked: -1, pending: 1 }
  const deadline = performance.now() + handledMax
  while (state.pending > 0 || state.acked < atLeast) {
    if (performance.now() > deadline) throw new Error(`the agent handled ${state.acked}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const response = await fetch(`http://127.0.0.1:${port}/v1/snapshot`)
    const { subscriptions }: Pick<Snapshot, "subscriptions"> = JSON.parse(await response.text())
    const { acked = 0, pending = 1 } = subscriptions[0] ?? {}
    Object.assign(state, { acked, pending })
  }
}

/** Longest wait for the agent, in milliseconds. */
const handledMax = 30_000

const asked: { answer?: Promise<string | undefined> } = {}

/** Whether the service takes the settings of an agent in a thread of its own; asked once. */
const missing = (): Promise<string | undefined> => {
  const env = { ...process.env, ...agents, EXECUTOR_THREADS: "1" }
  return asked.answer ??= promisify(execFile)(
    process.execPath,
    [join(root, "src", "main.ts"), "config"],
    { env }
  ).then(() => undefined, () => "this version runs no handlers in worker threads")
}

const here = "in the main thread"
const there = "in a worker thread"

/** One workload for each size of the pieces. */
export const heavyHandlers: ReadonlyArray<Workload> = pieces.map((piece) => ({
  name: `heavy-${piece.millis}ms`,
  title: `Publishing beside handlers that take ${piece.millis} ms`,
  unit: "publishes",
  note: `${light.rate} publishes a second over HTTP are measured, while an agent gets ` +
    `${piece.rate} messages a second, each of which it computes ${piece.millis} ms for: half of ` +
    "the time of a processor.",
  aims: [{ contender: there, measure: "p99", bound: "at most", value: 1 / 3, of: [here] }],
  isolated: false,
  contenders: [contender(here, inThread, piece), contender(there, inThreads, piece)],
  plotted: "p99",
  missing
}))
