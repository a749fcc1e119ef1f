/**
 * Embedded, in memory: from a publish to the end of its handler, beside fastq.
 */
import fastq from "fastq"
import { openEmbedded } from "../Embedded.ts"
import type { Contender, Run, Workload } from "../Measure.ts"
import { payloadOf } from "../Payloads.ts"

/** Messages published before the handlers are waited for. */
const window = 10_000

/** As many as the workers of the bus: 8 shards with 4 each. */
const concurrency = 32

/** The workload; a message of fastq is a reference, one of the bus is JSON text. */
export const embeddedMemory: Workload = {
  title: "Embedded publish to handler, in memory",
  unit: "messages/s",
  note:
    `Windows of ${window} messages, published one by one (or 1,000 per call) and then awaited ` +
    "until the handler has run for each. fastq hands objects over by reference; the bus checks " +
    "them, turns them into JSON text once, and keeps order, retries and dead letters for each.",
  aim: { contender: "publish", peer: "fastq.promise", ratio: 1 },
  open: async (smoke) => {
    const windows = smoke ? 1 : 20
    const bus = await openEmbedded({ profile: "memory" })
    return {
      contenders: [
        fastqPromise(windows),
        fastqCallback(windows),
        contender("publish", windows, async () => {
          const done = bus.handled(bus.count() + window)
          await bus.publishEach(0, window, 1)
          await done
        }),
        contender("publishMany", windows, async () => {
          const done = bus.handled(bus.count() + window)
          for (let from = 0; from < window; from += 1_000) await bus.publishMany(from, from + 1_000)
          await done
        })
      ],
      close: bus.close
    }
  }
}

const fastqPromise = (windows: number): Contender => {
  const queue = fastq.promise(async () => {}, concurrency)
  return contender("fastq.promise", windows, async () => {
    for (let index = 0; index < window; index++) void queue.push(payloadOf(index))
    await queue.drained()
  })
}

const fastqCallback = (windows: number): Contender => {
  const queue = fastq((_: unknown, done: fastq.done) => setImmediate(done, null), concurrency)
  return contender("fastq, callback at the next turn", windows, () =>
    new Promise((resolve) => {
      queue.drain = () => resolve(undefined)
      for (let index = 0; index < window; index++) queue.push(payloadOf(index), () => {})
    }))
}

const contender = (name: string, windows: number, once: () => Promise<unknown>): Contender => ({
  name,
  run: async (): Promise<Run> => {
    const started = performance.now()
    for (let index = 0; index < windows; index++) await once()
    const seconds = (performance.now() - started) / 1_000
    const count = windows * window
    return { count, expected: count, seconds, latencies: new Float64Array() }
  }
})
