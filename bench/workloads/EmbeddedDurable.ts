/**
 * Embedded, durable: publishes that reply once they are on the disk, beside the bare loop.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import { openEmbedded } from "../Embedded.ts"
import { root } from "../load/Processes.ts"
import type { Run, Workload } from "../Measure.ts"
import { payloadOf, topicOf } from "../Payloads.ts"
import { openGroupCommit } from "../peers/GroupCommit.ts"

/** Publishers that each wait for their reply before they go on, and messages of one run. */
const sizes = [
  { publishers: 1, messages: 500 },
  { publishers: 64, messages: 20_000 },
  { publishers: 1_024, messages: 60_000 }
]

/** One workload for each number of publishers. */
export const embeddedDurable: ReadonlyArray<Workload> = sizes.map(({ messages, publishers }) => ({
  title: `Embedded durable publish, ${publishers} publisher${publishers === 1 ? "" : "s"}`,
  unit: "messages/s",
  note: "Each publisher waits for its reply, which follows the sync to disk. The bare loop " +
    "appends the same bytes to a file, one fdatasync for all that gathered while the last one " +
    "ran. In the last row a handler runs for every message beside the publishers: each " +
    "hand-out is journalled and each acknowledgement stored as well.",
  aim: { contender: "publish", peer: "bare group commit", ratio: 0.5 },
  open: async (smoke) => {
    const count = smoke ? publishers * 2 : messages
    const directory = await mkdtemp(join(root, ".run", "bench-"))
    const bus = await openEmbedded({ dataDir: join(directory, "bus") })
    const quiet = await openEmbedded({ dataDir: join(directory, "quiet") }, "nobody.publishes")
    const bare = await openGroupCommit(join(directory, "bare"))
    return {
      contenders: [
        {
          name: "bare group commit",
          run: () =>
            timed(count, (latencies) =>
              together(publishers, count, async (index) => {
                const started = performance.now()
                await bare.append(JSON.stringify({ topic: topicOf(index), ...payloadOf(index) }))
                latencies[index] = performance.now() - started
              }))
        },
        {
          name: "publish",
          run: () => timed(count, (latencies) => quiet.publishEach(0, count, publishers, latencies))
        },
        {
          name: "publish, with a handler",
          run: async () => {
            const handled = bus.handled(bus.count() + count)
            const run = await timed(
              count,
              (latencies) => bus.publishEach(0, count, publishers, latencies)
            )
            await handled
            return run
          }
        }
      ],
      close: async () => {
        await bus.close()
        await quiet.close()
        await bare.close()
        await rm(directory, { recursive: true, force: true })
      }
    }
  }
}))

/** Runs publishes and gathers their latencies. */
export const timed = async (
  expected: number,
  work: (latencies: Float64Array) => Promise<void>
): Promise<Run> => {
  const latencies = new Float64Array(expected).fill(Number.NaN)
  const started = performance.now()
  await work(latencies)
  const seconds = (performance.now() - started) / 1_000
  return {
    count: latencies.filter((latency) => !Number.isNaN(latency)).length,
    expected,
    seconds,
    latencies
  }
}

/** Runs `one` for each index below `count`, by `publishers` loops that share them. */
const together = async (
  publishers: number,
  count: number,
  one: (index: number) => Promise<void>
): Promise<void> => {
  const next = { index: 0 }
  await Promise.all(Array.from({ length: publishers }, async () => {
    while (next.index < count) await one(next.index++)
  }))
}
