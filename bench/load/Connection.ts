/**
 * One keep-alive connection of a load generator: a request, its answer, the next request.
 *
 * Speaks HTTP/1.1 on a bare socket, because any client library costs more than the servers it
 * would measure.
 */
import { connect } from "node:net"
import type { Body } from "./Plan.ts"

/** A connection that is free whenever the last answer has come. */
export interface Connection {
  /** Sends a request; resolves to the status of its answer. */
  readonly send: (request: string) => Promise<string>
  readonly close: () => void
}

/** A request as text. */
export const requestText = (port: number, { body, path }: Body): string =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n` +
  `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** Connects to a port of this machine. */
export const openConnection = (port: number): Promise<Connection> =>
  new Promise((opened, failed) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true })
    const state: { received: string; closing: boolean; answered?: (status: string) => void } = {
      received: "",
      closing: false
    }
    socket.setEncoding("latin1")
    socket.on("data", (text: string) => {
      state.received += text
      const length = answerLength(state.received)
      if (length === undefined || state.received.length < length) return
      const status = state.received.slice(9, 12)
      state.received = state.received.slice(length)
      state.answered?.(status)
    })
    socket.on("error", failed)
    socket.on("close", () => {
      if (!state.closing) throw new Error("the server closed a connection") // Ends the generator.
    })
    socket.on("connect", () =>
      opened({
        send: (request) =>
          new Promise((answered) => {
            state.answered = answered
            socket.write(request)
          }),
        close: () => {
          state.closing = true
          socket.destroy()
        }
      }))
  })

/** Bytes of the first answer, once its head is there. */
const answerLength = (received: string): number | undefined => {
  const end = received.indexOf("\r\n\r\n")
  if (end === -1) return undefined
  const length = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, end + 2))
  return end + 4 + Number(length?.[1] ?? 0)
}
