/**
 * Over HTTP: single publishes and batches, beside a server that only echoes.
 */
import type { Plan } from "../load/Plan.ts"
import { load, nextLine, type Program, start } from "../load/Processes.ts"
import { startServer } from "../load/Server.ts"
import type { Contender, Workload } from "../Measure.ts"
import { payloadOf, topicOf } from "../Payloads.ts"

/** Keep-alive connections of the load generator. */
const connections = 64

/** Messages of one batch. */
const batchSize = 100

/** One message per request. */
export const httpSingle: Workload = {
  title: "HTTP, one message per POST",
  unit: "requests/s",
  note: `${connections} keep-alive connections from a process of its own, each waiting for its ` +
    "answer. The service parses, checks, stores with a sync to disk and answers 202; the echo " +
    "(node:http) sends the same body back. No subscription.",
  aim: { contender: "codefactory", peer: "raw node:http echo", ratio: 0.5 },
  open: (smoke) =>
    compare(smoke ? 200 : 20_000, 1, (from) => ({
      path: `/v1/topics/${topicOf(from)}/messages`,
      body: JSON.stringify({ payload: payloadOf(from) })
    }))
}

/** A hundred messages per request; counts messages, not requests. */
export const httpBatch: Workload = {
  title: `HTTP, batches of ${batchSize}`,
  unit: "messages/s",
  note:
    "The same with a JSON array of 100 messages per POST to /v1/messages. Latencies are those " +
    "of whole requests.",
  aim: { contender: "codefactory", perSecond: 200_000 },
  open: (smoke) =>
    compare(smoke ? 70 : 3_000, batchSize, (from) => ({
      path: "/v1/messages",
      body: JSON.stringify(Array.from({ length: batchSize }, (_, index) => ({
        topic: topicOf(from * batchSize + index),
        payload: payloadOf(from * batchSize + index)
      })))
    }))
}

const compare = async (
  requests: number,
  messagesPerRequest: number,
  request: (index: number) => Plan["bodies"][number]
) => {
  const bodies = Array.from({ length: 200 }, (_, index) => request(index))
  const generator = start("bench/load/Generator.ts")
  const echo = start("bench/peers/Echo.ts")
  const echoPort = Number(await nextLine(echo))
  const server = await startServer()
  const contender = (name: string, port: number): Contender => ({
    name,
    run: () => once(generator, { port, connections, requests, bodies }, messagesPerRequest)
  })
  return {
    contenders: [contender("raw node:http echo", echoPort), contender("codefactory", server.port)],
    close: async () => {
      await Promise.all([generator.stop(), echo.stop(), server.stop()])
    }
  }
}

const once = async (generator: Program, plan: Plan, messagesPerRequest: number) => {
  const result = await load(generator, plan)
  return {
    count: (result.statuses["202"] ?? 0) * messagesPerRequest,
    expected: plan.requests * messagesPerRequest,
    seconds: result.seconds,
    latencies: Float64Array.from(result.latencies)
  }
}
