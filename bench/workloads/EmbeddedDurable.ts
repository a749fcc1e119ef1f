/**
 * Embedded, durable: publishes that reply once they are on the disk, beside bare loops.
 */
import { join } from "node:path"
import {
  draftOfText,
  type Embedded,
  handleTexts,
  openEmbedded,
  publishEach,
  withLatency
} from "../Embedded.ts"
import { Counter } from "../Handing.ts"
import { type Keep, onDisk } from "../Keeping.ts"
import { Latencies } from "../Latencies.ts"
import { withDirectory } from "../load/Directory.ts"
import { textOf, topicOf } from "../Payloads.ts"
import { type GroupCommit, openGroupCommit, openRawSqlite } from "../peers/GroupCommit.ts"
import { timed } from "../Timing.ts"
import type { Contender, Run, Workload } from "../Workload.ts"
import { commit } from "./InTheWay.ts"

/** Publishers that each wait for their reply before they go on, and messages of one run. */
const sizes = [
  { publishers: 1, messages: 500 },
  { publishers: 64, messages: 20_000 },
  { publishers: 1_024, messages: 60_000 }
]

/** One run of `count` publishes to an embedded bus, their latencies recorded. */
export const publishTexts = (
  { bus: { bus }, run }: Embedded,
  count: number,
  publishers: number,
  after: () => Promise<void> = () => Promise.resolve()
): Promise<Run> => {
  const latencies = new Latencies()
  const publish = withLatency(
    latencies,
    (index) => bus.publish(draftOfText(topicOf(index), textOf(index)))
  )
  return timed(count, async () => {
    await run(publishEach(0, count, publishers, publish))
    await after()
    return latencies.count
  }, () => latencies.values())
}

const bare = (
  name: string,
  publishers: number,
  messages: number,
  openLog: (path: string) => Promise<GroupCommit>
): Contender => ({
  name,
  kept: "synced to disk",
  open: (smoke) =>
    withDirectory(async (directory) => {
      const { append, close } = await openLog(join(directory, "bare"))
      const count = smoke ? publishers * 2 : messages
      const run = () => {
        const latencies = new Latencies()
        const one = async (index: number) => {
          const started = performance.now()
          await append(`${topicOf(index)} ${textOf(index)}`)
          latencies.record(performance.now() - started)
        }
        return timed(count, async () => {
          await together(publishers, count, one)
          return latencies.count
        }, () => latencies.values())
      }
      return { run, close }
    })
})

/** The bus, with nobody who handles what is published. */
export const busAlone = (keep: Keep, publishers: number, messages: number): Contender => ({
  name: "codefactory",
  kept: "synced to disk",
  open: (smoke) =>
    keep(async (options) => {
      const embedded = await openEmbedded(options)
      const count = smoke ? publishers * 2 : messages
      return { run: () => publishTexts(embedded, count, publishers), close: embedded.close }
    })
})

/** The bus with a handler; a run ends when that has got everything. */
export const busHandling = (keep: Keep, publishers: number, messages: number): Contender => ({
  name: "codefactory, with a handler",
  kept: "synced to disk",
  open: (smoke) =>
    keep(async (options) => {
      const counter = new Counter()
      const embedded = await openEmbedded(options, handleTexts("bench.>", counter.add))
      const count = smoke ? publishers * 2 : messages
      const run = () => {
        const handled = counter.next(count)
        return publishTexts(embedded, count, publishers, () => handled)
      }
      return { run, close: embedded.close }
    })
})

/** One workload for each number of publishers. */
export const embeddedDurable: ReadonlyArray<Workload> = sizes.map(({ messages, publishers }) => ({
  name: `durable-${publishers}`,
  title: `Embedded durable publish, ${publishers} publisher${publishers === 1 ? "" : "s"}`,
  unit: "messages",
  note:
    "Each publisher waits for its reply, which follows the sync to disk. The bare log appends " +
    "the same texts to a file, one fdatasync for all that gathered while the last one ran. " +
    "node:sqlite inserts a row per message in this thread, one synced transaction for all of a " +
    "turn. In the last row a handler runs for every message beside the publishers: each hand-out " +
    "is journalled and each acknowledgement stored as well, and the run ends with the last one.",
  aims: [{
    contender: "codefactory",
    measure: "perSecond",
    bound: "at least",
    value: 0.8,
    of: ["bare group commit"],
    inTheWay: commit(publishers)
  }],
  isolated: true,
  contenders: [
    bare("bare group commit", publishers, messages, openGroupCommit),
    bare("node:sqlite", publishers, messages, openRawSqlite),
    busAlone(onDisk, publishers, messages),
    busHandling(onDisk, publishers, messages)
  ]
}))

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
