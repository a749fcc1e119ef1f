/**
 * Queues over PostgreSQL: what npm and Effect have for jobs that outlive the process, each set up
 * as its manual says for speed: waking consumers by notification where it can, taking and settling
 * in batches where it can.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { createPostgresBackend, Queue, setDefaultBackendFactory, Worker } from "bullmq"
import { Effect, Fiber, Layer, ManagedRuntime, Redacted, Schema } from "effect"
import { PersistedQueue } from "effect/persistence"
import { Logger, makeWorkerUtils, run as runWorker } from "graphile-worker"
import { PgBoss } from "pg-boss"

/** An open queue: a publish ends once the job is stored. */
export interface OpenPostgresQueue {
  readonly publish: (text: string) => Promise<unknown>
  readonly close: () => Promise<void>
}

/** Opens one at an address; so many handlers run at once, and each job reaches `handled`. */
export type OpenQueueAt = (
  url: string,
  consumers: number,
  handled: () => void
) => Promise<OpenPostgresQueue>

const connections = 20

/** Jobs that `pg-boss` takes at once: its handler gets them together. */
const batchSize = 64

/** `pg-boss`, woken by notification, whose worker takes batches without a pause while full. */
export const pgBoss: OpenQueueAt = async (connectionString, _consumers, handled) => {
  const boss = new PgBoss({
    connectionString,
    max: connections,
    supervise: false,
    schedule: false,
    useListenNotify: true
  })
  await boss.start()
  await boss.createQueue("bench", { notify: true })
  await boss.work(
    "bench",
    {
      batchSize,
      burstWhenBatchFull: true,
      pollingIntervalSeconds: 0.5,
      notifyPollingIntervalSeconds: 0.5
    },
    async (jobs) => jobs.forEach(handled)
  )
  return {
    publish: (text) => boss.send("bench", { text }),
    close: () => boss.stop({ graceful: false })
  }
}

/** `graphile-worker`, with its local queue and batched completion. */
export const graphileWorker: OpenQueueAt = async (connectionString, consumers, handled) => {
  const size = Math.max(consumers, 2)
  const preset = {
    worker: {
      connectionString,
      maxPoolSize: connections,
      concurrentJobs: consumers,
      logger: new Logger(() => () => {}), // It says a line for every job otherwise.
      ...(consumers === 1 ? {} : { localQueue: { size }, completeJobBatchDelay: 0 })
    }
  }
  const runner = await runWorker({
    preset,
    taskList: { bench: async () => handled() },
    noHandleSignals: true
  })
  const utils = await makeWorkerUtils({ preset })
  return {
    publish: (text) => utils.addJob("bench", { text }),
    close: async () => {
      await runner.stop()
      await utils.release()
    }
  }
}

/** BullMQ over its PostgreSQL backend. */
export const bullPostgres: OpenQueueAt = async (connection, consumers, handled) => {
  setDefaultBackendFactory(createPostgresBackend)
  const options = { connection: { connectionString: connection, max: connections, migrate: true } }
  const queue = new Queue("bench", options)
  await queue.waitUntilReady()
  const worker = new Worker("bench", async () => handled(), { ...options, concurrency: consumers })
  await worker.waitUntilReady()
  return {
    publish: (text) => queue.add("bench", { text }, { removeOnComplete: true }),
    close: async () => {
      await worker.close(true)
      await queue.close()
    }
  }
}

/** The persisted queue of Effect, looked into every 50 ms. */
export const persistedQueue: OpenQueueAt = async (url, consumers, handled) => {
  const client = PgClient.layer({ url: Redacted.make(url), maxConnections: connections })
  const store = PersistedQueue.layerStoreSql({ pollInterval: "50 millis" })
  const runtime = ManagedRuntime.make(
    PersistedQueue.layer.pipe(Layer.provide(store), Layer.provide(client))
  )
  const queue = await runtime.runPromise(
    PersistedQueue.make({ name: "bench", schema: Schema.Struct({ text: Schema.String }) })
  )
  const take = Effect.forever(queue.take(() => Effect.sync(handled)))
  const fibers = Array.from({ length: consumers }, () => runtime.runFork(take))
  return {
    publish: (text) => runtime.runPromise(queue.offer({ text })),
    close: async () => {
      await Effect.runPromise(Fiber.interruptAll(fibers))
      await runtime.dispose()
    }
  }
}
