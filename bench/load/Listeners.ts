/**
 * The listeners: many connections to a stream of events, and a few that publish meanwhile.
 *
 * Counts the lines that begin with `data:`; a payload is JSON text, which has no line breaks. Reads
 * one plan as JSON per line of its input and prints what was seen.
 */
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { createInterface } from "node:readline"
import { openConnection, requestText } from "./Connection.ts"
import type { Listened, ListenPlan } from "./Plan.ts"

const mark = Buffer.from("\ndata:")

/** Connections that are opened at once. */
const openingMax = 100

/** How long events are waited for after the last publish, in milliseconds. */
const patience = 30_000

const run = async (plan: ListenPlan): Promise<Listened> => {
  const expected = plan.listeners * plan.publishes
  const seen = { events: 0, all: () => {} }
  const all = new Promise<void>((resolve) => {
    seen.all = resolve
  })
  const sockets: Array<Socket> = []
  while (sockets.length < plan.listeners) {
    const missing = Math.min(openingMax, plan.listeners - sockets.length)
    sockets.push(
      ...await Promise.all(Array.from({ length: missing }, () =>
        listen(plan, (events) => {
          seen.events += events
          if (seen.events === expected) seen.all()
        })))
    )
  }
  const started = performance.now()
  await publishAll(plan)
  const late = setTimeout(seen.all, patience)
  await all
  clearTimeout(late)
  const seconds = (performance.now() - started) / 1_000
  sockets.forEach((socket) => socket.destroy())
  return { seconds, events: seen.events }
}

/** Opens a stream; resolves once its head is there. */
const listen = async (
  { path, port }: ListenPlan,
  onEvents: (count: number) => void
): Promise<Socket> => {
  const socket = connect({ host: "127.0.0.1", port })
  socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`)
  const [head] = await once(socket, "data")
  if (!String(head).startsWith("HTTP/1.1 200")) throw new Error(`no stream: ${head}`)
  // The last bytes of what came before, because a mark may lie across two reads.
  const state: { rest: Buffer } = { rest: Buffer.alloc(0) }
  socket.on("data", (chunk: Buffer) => {
    const bytes = state.rest.length === 0 ? chunk : Buffer.concat([state.rest, chunk])
    const found = { count: 0, from: 0 }
    for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + mark.length)) {
      found.count++
      found.from = at + mark.length
    }
    const kept = Math.max(found.from, bytes.length - mark.length + 1)
    state.rest = endsWithin(bytes.subarray(kept))
    if (found.count > 0) onEvents(found.count)
  })
  return socket
}

/** What of the last bytes may be the beginning of a mark: mostly nothing, so nothing is copied. */
const endsWithin = (last: Buffer): Buffer => {
  const at = last.lastIndexOf(0x0a)
  return at === -1 ? last.subarray(0, 0) : Buffer.from(last.subarray(at))
}

const publishAll = async (plan: ListenPlan): Promise<void> => {
  const text = requestText(plan.port, plan.publish)
  const state = { sent: 0 }
  await Promise.all(Array.from({ length: plan.publishers }, async () => {
    const { close, send } = await openConnection(plan.port)
    while (state.sent++ < plan.publishes) {
      const status = await send(text)
      if (status !== "202") throw new Error(`a publish was answered ${status}`)
    }
    close()
  }))
}

createInterface({ input: process.stdin }).on("line", (line) => {
  void run(JSON.parse(line)).then((result) => process.stdout.write(`${JSON.stringify(result)}\n`))
})
