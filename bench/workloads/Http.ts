/**
 * Over HTTP: single publishes and batches, beside a server that only echoes and one with a queue.
 */
import type { Body } from "../load/Plan.ts"
import { load, startGenerator } from "../load/Processes.ts"
import {
  echo,
  fastifyQueue,
  serviceInMemory,
  serviceSynced,
  type StartServer
} from "../load/Server.ts"
import { acquire, release } from "../load/Sharing.ts"
import { payloadOf, topicOf } from "../Payloads.ts"
import { cpuMicrosOf } from "../Timing.ts"
import type { Aim, Contender, Kept, Run, Workload } from "../Workload.ts"
import { batches, requestTail, syncedHttp } from "./InTheWay.ts"

/** Keep-alive connections of the load generator. */
const connections = 64

/** Messages of one batch. */
const batchSize = 100

/** Requests that differ. */
const bodiesCount = 200

/** What the requests of a workload are. */
export interface Requests {
  readonly messagesEach: number
  /** Requests of one run, and of a smoke run. */
  readonly count: number
  readonly countSmoke: number
  readonly of: (index: number) => Body
  /** Each server at half of the rate that it reaches by itself, found first. */
  readonly halfOfPeak?: true
}

/** A server that gets the requests of a workload. */
export const contender =
  (requests: Requests) => (name: string, kept: Kept, startServer: StartServer): Contender => ({
    name,
    kept,
    open: async (smoke) => {
      const bodies = Array.from({ length: bodiesCount }, (_, index) => requests.of(index))
      const generator = await acquire(startGenerator, smoke)
      const server = await acquire(startServer, smoke)
      const count = smoke ? requests.countSmoke : requests.count
      const drive = async (rate?: number): Promise<Run> => {
        const plan = { port: server.port, connections, requests: count, bodies }
        const cpu = await cpuMicrosOf(server.program.child.pid)
        const result = await load(generator, rate === undefined ? plan : { ...plan, rate })
        const used = await cpuMicrosOf(server.program.child.pid)
        const done = (result.statuses["202"] ?? 0) * requests.messagesEach
        return {
          count: done,
          expected: count * requests.messagesEach,
          values: {
            perSecond: done / result.seconds,
            ...(cpu === undefined || used === undefined ? {} : { cpuMicros: (used - cpu) / done }),
            p50: result.p50,
            p99: result.p99
          }
        }
      }
      return {
        run: await runs(drive, requests, smoke),
        close: () => release(smoke, server, generator)
      }
    }
  })

const runs = async (
  drive: (rate?: number) => Promise<Run>,
  { halfOfPeak }: Requests,
  smoke: boolean
): Promise<() => Promise<Run>> => {
  if (halfOfPeak === undefined || smoke) return () => drive()
  await drive()
  const { values: { perSecond = 0 } } = await drive()
  return () => drive(perSecond / 2)
}

const raw = "raw node:http echo"
const fastify = "fastify + fastq"
const memory = "codefactory, memory"
const synced = "codefactory"

const contenders = (requests: Requests): ReadonlyArray<Contender> => {
  const of = contender(requests)
  return [
    of(raw, "nothing", echo),
    of(fastify, "nothing", fastifyQueue),
    of(memory, "in memory", serviceInMemory),
    of(synced, "synced to disk", serviceSynced)
  ]
}

/** One message per request. */
export const single: Requests = {
  messagesEach: 1,
  count: 10_000,
  countSmoke: 200,
  of: (index) => ({
    path: `/v1/topics/${topicOf(index)}/messages`,
    body: JSON.stringify({ payload: payloadOf(index) })
  })
}

const ahead = (one: string): ReadonlyArray<Aim> => {
  const of = (peer: string, value: number): Aim => ({
    contender: one,
    measure: "perSecond",
    bound: "at least",
    value,
    of: [peer],
    inTheWay: syncedHttp
  })
  return [
    of(raw, 0.8),
    of(fastify, 1),
    {
      contender: one,
      measure: "p99",
      bound: "at most",
      value: 1,
      of: [fastify],
      inTheWay: requestTail
    }
  ]
}

/** One message per request. */
export const httpSingle: Workload = {
  name: "http",
  title: "HTTP, one message per POST",
  unit: "messages",
  note: `${connections} keep-alive connections from a process of its own, each waiting for its ` +
    "answer. The service parses, checks and stores a message and answers 202, after the sync to " +
    "disk where messages are synced; the echo sends the body back; fastify parses it and pushes " +
    "it to a queue in memory. No subscription. CPU is that of the server, with all its threads.",
  aims: [
    ...ahead(memory),
    ...ahead(synced),
    {
      contender: synced,
      measure: "perSecond",
      bound: "at least",
      value: 0.8,
      of: [memory],
      inTheWay: syncedHttp
    }
  ],
  isolated: false,
  contenders: contenders(single)
}

/** The same at half of peak. */
export const httpHalf: Workload = {
  name: "http-half",
  title: "HTTP, latency at half of peak",
  unit: "messages",
  note: "One message per POST, at half of the rate that each server reaches by itself. What is " +
    "due is sent every millisecond; what finds none of the connections free waits, and that " +
    "counts.",
  aims: [],
  isolated: false,
  contenders: contenders({ ...single, count: 4_000, halfOfPeak: true }),
  plotted: "p99"
}

/** A hundred messages per request. */
export const batch: Requests = {
  messagesEach: batchSize,
  count: 2_000,
  countSmoke: 70,
  of: (from) => ({
    path: "/v1/messages",
    body: JSON.stringify(Array.from({ length: batchSize }, (_, index) => ({
      topic: topicOf(from * batchSize + index),
      payload: payloadOf(from * batchSize + index)
    })))
  })
}

/** A hundred messages per request; counts messages, not requests. */
export const httpBatch: Workload = {
  name: "http-batch",
  title: `HTTP, batches of ${batchSize}`,
  unit: "messages",
  note:
    `The same with a JSON array of ${batchSize} messages per POST to /v1/messages. Latencies are ` +
    "those of whole requests.",
  aims: [memory, synced].map((one) => ({
    contender: one,
    measure: "perSecond",
    bound: "at least",
    value: 300_000,
    inTheWay: batches
  })),
  isolated: false,
  contenders: contenders(batch)
}
