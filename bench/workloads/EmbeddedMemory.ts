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

/** The peer that does the same work as the bus for handing a message over. */
const fastqText = "fastq.promise, as JSON text"

/** The workload; the aim is set against the peer whose publisher and handler share nothing. */
export const embeddedMemory: Workload = {
  title: "Embedded publish to handler, in memory",
  unit: "messages/s",
  note:
    `Windows of ${window} messages, published one by one (or 1,000 per call) and then awaited ` +
    "until the handler has run for each. A bus must not let a handler see what the publisher " +
    "does to its object afterwards, so a message is turned into JSON text when it is published " +
    "and read from it where it is handled. The fastq.promise of the aim does just that, and " +
    "neither checks, order, retries nor dead letters. The two fastq rows by reference share the " +
    "object: what handing over costs when nothing is kept apart.",
  aim: { contender: "publish", peer: fastqText, ratio: 1 },
  open: async (smoke) => {
    const windows = smoke ? 1 : 20
    const bus = await openEmbedded({ profile: "memory" })
    return {
      contenders: [
        fastqPromise(windows),
        fastqByReference(windows),
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
  const queue = fastq.promise(
    async (text: string): Promise<unknown> => JSON.parse(text),
    concurrency
  )
  return contender(fastqText, windows, async () => {
    for (let index = 0; index < window; index++) void queue.push(JSON.stringify(payloadOf(index)))
    await queue.drained()
  })
}

const fastqByReference = (windows: number): Contender => {
  const queue = fastq.promise(async () => {}, concurrency)
  return contender("fastq.promise, by reference", windows, async () => {
    for (let index = 0; index < window; index++) void queue.push(payloadOf(index))
    await queue.drained()
  })
}

const fastqCallback = (windows: number): Contender => {
  const queue = fastq((_: unknown, done: fastq.done) => setImmediate(done, null), concurrency)
  return contender(
    "fastq, by reference, callback at the next turn",
    windows,
    () =>
      new Promise((resolve) => {
        queue.drain = () => resolve(undefined)
        for (let index = 0; index < window; index++) queue.push(payloadOf(index), () => {})
      })
  )
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
