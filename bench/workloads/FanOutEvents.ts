/**
 * Fan-out over HTTP: each message to every one of many streams of server-sent events.
 */
import { once } from "node:events"
import { request } from "node:http"
import type { ListenPlan } from "../load/Plan.ts"
import { listen, startListeners } from "../load/Processes.ts"
import { serviceInMemory, serviceSynced, socketEvents, type StartServer } from "../load/Server.ts"
import { acquire, release } from "../load/Sharing.ts"
import { textOf } from "../Payloads.ts"
import { cpuMicrosOf } from "../Timing.ts"
import type { Contender, Kept, Workload } from "../Workload.ts"
import { streams } from "./InTheWay.ts"

/** Streams, messages of one run, and connections that publish them. */
const full = { listeners: 1_000, publishes: 300, publishers: 16 }
const smokeSize = { listeners: 20, publishes: 10, publishers: 2 }

const topic = "bench.events"

const publish = {
  path: `/v1/topics/${topic}/messages`,
  body: `{"payload":${textOf(0)}}`
}

const contender = (
  name: string,
  kept: Kept,
  path: string,
  startServer: StartServer,
  prepare: (port: number) => Promise<void> = () => Promise.resolve()
): Contender => ({
  name,
  kept,
  open: async (smoke) => {
    const size = smoke ? smokeSize : full
    const server = await acquire(startServer, smoke)
    const listeners = await acquire(startListeners, smoke)
    await prepare(server.port)
    const { child: { pid } } = server.program
    return {
      run: async () => {
        const plan: ListenPlan = { port: server.port, path, publish, ...size }
        const cpu = await cpuMicrosOf(pid)
        const { events, seconds } = await listen(listeners, plan)
        const used = await cpuMicrosOf(pid)
        return {
          count: events,
          expected: size.listeners * size.publishes,
          values: {
            perSecond: events / seconds,
            ...(cpu === undefined || used === undefined ? {} : { cpuMicros: (used - cpu) / events })
          }
        }
      },
      close: () => release(smoke, server, listeners)
    }
  }
})

const path = "/v1/subscriptions/bench/events"

/** Creates the subscription that is looked at; it holds nothing back. */
const subscribe = async (port: number): Promise<void> => {
  const call = request({
    host: "127.0.0.1",
    port,
    method: "PUT",
    path: "/v1/subscriptions/bench",
    headers: { "content-type": "application/json" }
  })
  call.end(JSON.stringify({ topic, mode: "broadcast" }))
  const [response] = await once(call, "response")
  response.resume()
  if (response.statusCode !== 201) throw new Error(`subscribing: ${response.statusCode}`)
}

/** A thousand streams. */
export const fanOutEvents: Workload = {
  name: "fan-out-sse",
  title: `Fan-out over HTTP, ${full.listeners} streams of server-sent events`,
  unit: "events",
  note: `${full.publishers} connections publish ${full.publishes} messages, each of which every ` +
    `one of ${full.listeners} streams gets; they and their listeners are one process. The bare ` +
    "server writes what came in one turn of its event loop to each socket at once; it knows " +
    "neither subscriptions nor filters, positions, heartbeats or limits. Opening the streams is " +
    "not timed, but the CPU for it is counted.",
  aims: ["codefactory, memory", "codefactory"].map((name) => ({
    contender: name,
    measure: "perSecond",
    bound: "at least",
    value: 0.9,
    of: ["bare sockets"],
    inTheWay: streams
  })),
  isolated: false,
  contenders: [
    contender("bare sockets", "nothing", "/events", socketEvents),
    contender("codefactory, memory", "in memory", path, serviceInMemory, subscribe),
    contender("codefactory", "synced to disk", path, serviceSynced, subscribe)
  ]
}
