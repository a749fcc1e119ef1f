/**
 * Growth: what a message costs when there are more topics, more subscriptions, larger payloads.
 */
import { Effect } from "effect"
import { draftOfText, type Embedded, handleTexts, openEmbedded, publishEach } from "../Embedded.ts"
import { Counter } from "../Handing.ts"
import { withDirectory } from "../load/Directory.ts"
import { textOf, topicOf, topics, topicsOf } from "../Payloads.ts"
import { timed } from "../Timing.ts"
import type { Contender, Opened, Workload } from "../Workload.ts"
import { manySubscriptions } from "./InTheWay.ts"

/** Messages published before the handlers are waited for. */
const window = 10_000

/** Messages of one run; with more topics, one for each. */
const messages = 50_000

/** Publishers where each waits for its reply: in memory none has to. */
const publishersOf = { "in memory": 1, "synced to disk": 64 } as const

/** Runs `count` publishes, by windows that fit in the shards, up to the end of their handlers. */
const flood = (
  { bus: { bus }, close, run }: Embedded,
  counter: Counter,
  count: number,
  draft: (index: number) => ReturnType<typeof draftOfText>,
  size = { window, publishers: 1 }
): Opened => ({
  run: () =>
    timed(count, async () => {
      const before = counter.count
      for (let from = 0; from < count; from += size.window) {
        const to = Math.min(count, from + size.window)
        const handled = counter.next(to - from)
        await run(publishEach(from, to, size.publishers, (index) => bus.publish(draft(index))))
        await handled
      }
      return counter.count - before
    }),
  close
})

const named = (x: number, one: string): string =>
  `${x.toLocaleString("en-US")} ${one}${x === 1 ? "" : "s"}`

const topicCounts = [10, 100, 1_000, 10_000, 100_000]

/** Topics, by turns, all for one handler. */
export const growthTopics: Workload = {
  name: "growth-topics",
  title: "Growth: topics",
  unit: "messages",
  note: "Embedded in memory, texts; messages go to so many topics by turns, and one handler gets " +
    "them all.",
  aims: [{
    contender: named(10_000, "topic"),
    measure: "cpuMicros",
    bound: "at most",
    value: 1.5,
    of: [named(10, "topic")]
  }],
  isolated: true,
  contenders: topicCounts.map((count): Contender => ({
    name: named(count, "topic"),
    kept: "in memory",
    x: count,
    open: async (smoke) => {
      const counter = new Counter()
      const many = topicsOf("bench.topics", smoke ? Math.min(count, 1_000) : count)
      const options = { profile: "memory" } as const
      const embedded = await openEmbedded(options, handleTexts("bench.>", counter.add))
      const draft = (index: number) => draftOfText(topicOf(index, many), textOf(index))
      return flood(embedded, counter, smoke ? 2_000 : Math.max(messages, count), draft)
    }
  })),
  plotted: "cpuMicros",
  axis: "topics"
}

const subscriptionCounts = [1, 10, 100, 1_000]

/** Subscriptions, each message for one of them. */
export const growthSubscriptions: Workload = {
  name: "growth-subscriptions",
  title: "Growth: subscriptions",
  unit: "messages",
  note:
    "Embedded in memory, texts; so many subscriptions, each with a handler and a topic of its " +
    "own, to which messages go by turns.",
  aims: [{
    contender: named(1_000, "subscription"),
    measure: "cpuMicros",
    bound: "at most",
    value: 1.5,
    of: [named(1, "subscription")],
    inTheWay: manySubscriptions
  }],
  isolated: true,
  contenders: subscriptionCounts.map((count): Contender => ({
    name: named(count, "subscription"),
    kept: "in memory",
    x: count,
    open: async (smoke) => {
      const counter = new Counter()
      const many = topicsOf("bench.subscriptions", smoke ? Math.min(count, 100) : count)
      const embedded = await openEmbedded({ profile: "memory" }, (bus) =>
        Effect.forEach(
          many,
          (topic) => handleTexts(topic, counter.add, { name: topic })(bus),
          { discard: true }
        ))
      const draft = (index: number) => draftOfText(topicOf(index, many), textOf(index))
      // One topic is one shard, which takes fewer messages at a time.
      const size = { window: window / 4, publishers: 1 }
      return flood(embedded, counter, smoke ? 2_000 : messages, draft, size)
    }
  })),
  plotted: "cpuMicros",
  axis: "subscriptions"
}

const payloadSizes = [100, 1_024, 10_240, 102_400, 1_048_576]

/** Most bytes of one run. */
const bytesMax = 128 * 1_048_576

const payloads = (kept: "in memory" | "synced to disk"): ReadonlyArray<Contender> =>
  payloadSizes.map((bytes): Contender => ({
    name: `${named(bytes, "byte")}, ${kept}`,
    kept,
    x: bytes,
    series: kept,
    open: (smoke) =>
      withDirectory(async (directory) => {
        const counter = new Counter()
        const options = kept === "in memory"
          ? { profile: "memory" } as const
          : { dataDir: directory }
        const embedded = await openEmbedded(options, handleTexts("bench.>", counter.add))
        const text = JSON.stringify("x".repeat(bytes - 2)) // The quotes are two of its bytes.
        const draft = (index: number) => draftOfText(topicOf(index, topics), text)
        const most = Math.max(16, Math.min(messages / 5, Math.floor(bytesMax / bytes)))
        // Windows that fit in the shards by bytes as well.
        const size = { window: Math.min(most, 64), publishers: publishersOf[kept] }
        return flood(embedded, counter, smoke ? 16 : most, draft, size)
      })
  }))

/** Payloads, in memory and synced. */
export const growthPayload: Workload = {
  name: "growth-payload",
  title: "Growth: payload",
  unit: "messages",
  note:
    "Embedded, texts of so many bytes to one handler, 64 at a time. In memory a text is handed " +
    "on by reference, so that its size hardly matters; on disk each byte is encoded, checksummed " +
    "and synced.",
  aims: [],
  isolated: true,
  contenders: [...payloads("in memory"), ...payloads("synced to disk")],
  plotted: "cpuMicros",
  axis: "bytes"
}
