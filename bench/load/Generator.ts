/**
 * The load generator: keep-alive connections that each send a request and wait for its answer.
 *
 * A process of its own, so that the server under test has its core to itself. Reads one plan as
 * JSON per line of its input and prints one result for each.
 */
import { createInterface } from "node:readline"
import { Latencies } from "../Latencies.ts"
import { type Connection, openConnection, requestText } from "./Connection.ts"
import type { Plan, Result } from "./Plan.ts"

/** How often a generator that keeps a rate looks for what is due, in milliseconds. */
const tickMs = 1

const run = async (plan: Plan): Promise<Result> => {
  const requests = plan.bodies.map((body) => requestText(plan.port, body))
  const latencies = new Latencies()
  const tally = { sent: 0, statuses: new Map<string, number>() }
  const connections = await Promise.all(
    Array.from({ length: plan.connections }, () => openConnection(plan.port))
  )
  const send = async ({ send }: Connection, from: number) => {
    const status = await send(requests[tally.sent++ % requests.length] ?? "")
    latencies.record(performance.now() - from)
    tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1)
  }
  const started = performance.now()
  if (plan.rate === undefined) {
    await Promise.all(connections.map(async (connection) => {
      while (tally.sent < plan.requests) await send(connection, performance.now())
    }))
  } else await paced(connections, plan.requests, plan.rate / 1_000, send)
  const seconds = (performance.now() - started) / 1_000
  connections.forEach(({ close }) => close())
  const { p50 = 0, p99 = 0 } = latencies.values()
  return { seconds, statuses: Object.fromEntries(tally.statuses), p50, p99 }
}

/** Sends what is due at each tick; what finds no free connection waits, and that counts. */
const paced = (
  connections: ReadonlyArray<Connection>,
  count: number,
  perMilli: number,
  send: (connection: Connection, from: number) => Promise<void>
): Promise<void> =>
  new Promise((resolve, reject) => {
    const free = [...connections]
    const waiting: Array<number> = []
    const state = { due: 0, done: 0 }
    const started = performance.now()
    const go = () => {
      while (waiting.length > 0) {
        const connection = free.pop()
        if (connection === undefined) return
        const from = waiting.shift() ?? started
        send(connection, from).then(() => {
          free.push(connection)
          if (++state.done === count) resolve()
          else go()
        }, reject)
      }
    }
    const tick = () => {
      const now = performance.now()
      for (; state.due < count && state.due / perMilli <= now - started; state.due++) {
        waiting.push(now)
      }
      go()
      if (state.due < count) setTimeout(tick, tickMs)
    }
    tick()
  })

createInterface({ input: process.stdin }).on("line", (line) => {
  void run(JSON.parse(line)).then((result) => process.stdout.write(`${JSON.stringify(result)}\n`))
})
