/**
 * fastify with fastq: what a service that hands requests to a queue in memory is often built from.
 *
 * It parses the body, pushes each message to a queue with 32 handlers that count, and answers 202
 * with an id. It checks nothing, and what it took is gone with the process. Prints its port.
 */
import fastify from "fastify"
import { randomUUID } from "node:crypto"
import { fastqPromise } from "./Queues.ts"

const handled = { count: 0 }
const queue = fastqPromise(() => {
  handled.count++
})

const server = fastify({ bodyLimit: 16 * 1_048_576 })

server.post<{ Params: { topic: string }; Body: { payload: unknown } }>(
  "/v1/topics/:topic/messages",
  (request, reply) => {
    const { params: { topic }, body: { payload } } = request
    queue.push({ topic, payload })
    reply.code(202).send({ id: randomUUID(), topic })
  }
)

server.post<{ Body: ReadonlyArray<{ topic: string; payload: unknown }> }>(
  "/v1/messages",
  (request, reply) => {
    const results = request.body.map((message) => {
      queue.push(message)
      return { id: randomUUID() }
    })
    reply.code(202).send({ accepted: results.length, refused: 0, results })
  }
)

const address = await server.listen({ host: "127.0.0.1", port: 0 })
process.stdout.write(`${new URL(address).port}\n`)
