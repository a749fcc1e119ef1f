/**
 * Embedded, in memory: how long a message waits for its handler when messages come at a rate.
 */
import { Counter, type Handing, type OpenHanding } from "../Handing.ts"
import { Latencies } from "../Latencies.ts"
import { bareRing, fastqPromise, rxjsMergeMap } from "../peers/Queues.ts"
import { timed } from "../Timing.ts"
import type { Contender, Run, Workload } from "../Workload.ts"
import { busOfTexts, peerOfTexts } from "./Handings.ts"
import { tail } from "./InTheWay.ts"

/** Messages of one run; so many texts differ, so that each message is known by its number. */
const messages = 100_000

/** Messages a second that are offered to all alike. */
const rateFixed = 200_000

/** Messages at a time, and how often, from which the peak of a contender is found. */
const peak = { window: 10_000, windows: 20 }

/** Pushes what is due at every turn of the event loop, whether or not the former was handled. */
const pace = (count: number, dueAt: (index: number) => number, { push }: Handing): Promise<void> =>
  new Promise((resolve, reject) => {
    const state = { sent: 0 }
    const turn = () => {
      const from = state.sent
      const now = performance.now()
      while (state.sent < count && dueAt(state.sent) <= now) state.sent++
      if (state.sent > from) push(from, state.sent).catch(reject)
      if (state.sent < count) setImmediate(turn)
      else resolve()
    }
    turn()
  })

const findPeak = async (counter: Counter, { push }: Handing): Promise<number> => {
  const once = async () => {
    const handled = counter.next(peak.window)
    await push(0, peak.window)
    await handled
  }
  await once() // The compiler is done with its work afterwards.
  const started = performance.now()
  for (let window = 0; window < peak.windows; window++) await once()
  return peak.window * peak.windows / (performance.now() - started) * 1_000
}

const contender = (
  name: string,
  open: OpenHanding,
  rateOf: "fixed" | "half of peak",
  bus = false
): Contender => ({
  name,
  kept: bus ? "in memory" : "nothing",
  open: async (smoke) => {
    const counter = new Counter()
    const state = { started: 0, perMilli: rateFixed / 1_000, latencies: new Latencies() }
    const dueAt = (index: number) => state.started + index / state.perMilli
    const handing = await open((index) => {
      state.latencies.record(performance.now() - dueAt(index))
      counter.add()
    })
    if (rateOf === "half of peak" && !smoke) {
      state.perMilli = await findPeak(counter, handing) / 2_000
    }
    const count = smoke ? 1_000 : messages
    const run = (): Promise<Run> => {
      state.latencies = new Latencies()
      return timed(count, async () => {
        const handled = counter.next(count)
        state.started = performance.now()
        await pace(count, dueAt, handing)
        await handled
        return state.latencies.count
      }, () => state.latencies.values())
    }
    return { run, close: handing.close }
  }
})

const contenders = (rateOf: "fixed" | "half of peak"): ReadonlyArray<Contender> => [
  contender("fastq", peerOfTexts(fastqPromise), rateOf),
  contender("rxjs mergeMap", peerOfTexts(rxjsMergeMap), rateOf),
  contender("bare ring", peerOfTexts(bareRing), rateOf),
  contender("codefactory", busOfTexts, rateOf, true)
]

const how =
  `${
    messages.toLocaleString("en-US")
  } messages come evenly; what is due is published at each turn of the ` +
  "event loop, which does nothing else. A latency runs from the moment a message is due to its " +
  "handler, so that a contender that falls behind is not spared. Texts, handed on by reference."

/** The same rate for all. */
export const latencyFixed: Workload = {
  name: "memory-latency",
  title: `Embedded in memory, latency at ${rateFixed.toLocaleString("en-US")} messages/s`,
  unit: "messages",
  note: how,
  aims: [
    { contender: "codefactory", measure: "p50", bound: "at most", value: 0.02, inTheWay: tail },
    { contender: "codefactory", measure: "p99", bound: "at most", value: 1, inTheWay: tail },
    {
      contender: "codefactory",
      measure: "p99",
      bound: "at most",
      value: 1,
      of: ["fastq"],
      inTheWay: tail
    }
  ],
  isolated: true,
  contenders: contenders("fixed"),
  plotted: "p99"
}

/** Each at half of what it can do. */
export const latencyHalf: Workload = {
  name: "memory-half",
  title: "Embedded in memory, latency at half of peak",
  unit: "messages",
  note: `Each contender at half of the rate that it reaches by itself, found first. ${how}`,
  aims: [],
  isolated: true,
  contenders: contenders("half of peak"),
  plotted: "p99"
}
