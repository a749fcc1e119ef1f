/**
 * The load generator: keep-alive connections that each send a request and wait for its answer.
 *
 * A process of its own, so that the server under test has its core to itself. Speaks HTTP/1.1 on
 * bare sockets, because any client library costs more than the servers it would measure. Reads one
 * plan as JSON per line of its input and prints one result for each.
 */
import { connect, type Socket } from "node:net"
import { createInterface } from "node:readline"
import type { Plan, Result } from "./Plan.ts"

const run = async (plan: Plan): Promise<Result> => {
  const requests = plan.bodies.map((body) => requestText(plan, body))
  const latencies = new Float64Array(plan.requests)
  const tally = { sent: 0, answered: 0, statuses: {} as Record<string, number> }
  const started = performance.now()
  await Promise.all(
    Array.from({ length: plan.connections }, () =>
      drive(plan.port, (status, sentAt) => {
        if (status !== undefined) {
          latencies[tally.answered++] = performance.now() - sentAt
          tally.statuses[status] = (tally.statuses[status] ?? 0) + 1
        }
        if (tally.sent === plan.requests) return undefined
        return requests[tally.sent++ % requests.length]
      }))
  )
  return {
    seconds: (performance.now() - started) / 1_000,
    statuses: tally.statuses,
    latencies: [...latencies.subarray(0, tally.answered)]
  }
}

const requestText = (plan: Plan, { body, path }: Plan["bodies"][number]): string =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${plan.port}\r\ncontent-type: application/json\r\n` +
  `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** Asks `next` for a request whenever the last one was answered; ends when there is none. */
const drive = (
  port: number,
  next: (status: string | undefined, sentAt: number) => string | undefined
): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true })
    const state = { sentAt: 0, received: "" }
    const send = (status: string | undefined) => {
      const request = next(status, state.sentAt)
      if (request === undefined) {
        socket.end()
        return resolve()
      }
      state.sentAt = performance.now()
      socket.write(request)
    }
    socket.setEncoding("latin1")
    socket.on("connect", () => send(undefined))
    socket.on("data", (text: string) => {
      state.received += text
      const length = answerLength(state.received)
      if (length === undefined || state.received.length < length) return
      const status = state.received.slice(9, 12)
      state.received = state.received.slice(length)
      send(status)
    })
    socket.on("error", reject)
    closedEarly(socket, reject)
  })

const closedEarly = (socket: Socket, reject: (error: Error) => void): void => {
  socket.on("close", () => reject(new Error("the server closed a connection")))
}

/** Bytes of the first answer, once its head is there. */
const answerLength = (received: string): number | undefined => {
  const end = received.indexOf("\r\n\r\n")
  if (end === -1) return undefined
  const length = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, end + 2))
  return end + 4 + Number(length?.[1] ?? 0)
}

createInterface({ input: process.stdin }).on("line", (line) => {
  void run(JSON.parse(line)).then((result) => process.stdout.write(`${JSON.stringify(result)}\n`))
})
