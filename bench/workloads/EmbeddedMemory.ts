/**
 * Embedded, in memory: from a publish to the end of its handler, as fast as it goes.
 */
import { Counter, type OpenHanding } from "../Handing.ts"
import { promisesAlone } from "../peers/PromisesAlone.ts"
import {
  bareRing,
  concurrency,
  effectPubSub,
  effectQueue,
  fastqPromise,
  plainLoop,
  pQueue,
  rxjsMergeMap
} from "../peers/Queues.ts"
import { timed } from "../Timing.ts"
import type { Aim, Contender, Workload } from "../Workload.ts"
import {
  busOfBatches,
  busOfTexts,
  busOfValues,
  peerOfReferences,
  peerOfTexts,
  peerOfValues
} from "./Handings.ts"
import { floor, type InTheWay, promises, values } from "./InTheWay.ts"

/** Messages published before the handlers are waited for, and in a smoke run. */
const window = 10_000
const windowSmoke = 1_000

/** Windows of one run. */
const windows = 20

const contender = (name: string, open: OpenHanding, bus = false): Contender => ({
  name,
  kept: bus ? "in memory" : "nothing",
  open: async (smoke) => {
    const counter = new Counter()
    const { close, push } = await open(counter.add)
    const each = smoke ? windowSmoke : window
    const once = async () => {
      const handled = counter.next(each)
      await push(0, each)
      await handled
    }
    const times = smoke ? 1 : windows
    const run = () =>
      timed(times * each, async () => {
        const before = counter.count
        for (let time = 0; time < times; time++) await once()
        return counter.count - before
      })
    return { run, close }
  }
})

/** What the bus aims at, whatever a message is. */
const aims = (
  bus: string,
  fastq: string,
  rxjs: string,
  inTheWay: InTheWay
): ReadonlyArray<Aim> => [
  {
    contender: bus,
    measure: "perSecond",
    bound: "at least",
    value: 1.3,
    of: [fastq, rxjs],
    inTheWay
  },
  { contender: bus, measure: "cpuMicros", bound: "at most", value: 1, inTheWay }
]

const rules = "Retries, time limits, priorities and the order of keys are on in the bus; no peer " +
  `has any of them. ${concurrency} handlers run at once, which count, and ${
    window.toLocaleString("en-US")
  } messages at ` +
  "a time are published one by one and then awaited until the handler has run for each."

/** Messages that are texts, handed on by reference. */
export const embeddedTexts: Workload = {
  name: "memory-texts",
  title: "Embedded in memory, texts",
  unit: "messages",
  note:
    "A message is a JSON text of some 150 bytes that exists before. Nobody can change a text, " +
    `so that all hand over a reference and nothing is copied. ${rules} The ring is 8 rings with ` +
    "4 loops each, and the loop goes through an array at the next turn: the floor of all. The " +
    "promises alone are what the bus needs of each message at least, without the bus.",
  aims: [
    ...aims("codefactory", "fastq", "rxjs mergeMap", promises),
    {
      contender: "codefactory",
      measure: "perSecond",
      bound: "at least",
      value: 0.5,
      of: ["bare ring"],
      inTheWay: promises
    }
  ],
  isolated: true,
  contenders: [
    contender("fastq", peerOfTexts(fastqPromise)),
    contender("rxjs mergeMap", peerOfTexts(rxjsMergeMap)),
    contender("p-queue", peerOfTexts(pQueue)),
    contender("Effect Queue", peerOfTexts(effectQueue)),
    contender("Effect PubSub", peerOfTexts(effectPubSub)),
    contender("bare ring", peerOfTexts(bareRing)),
    contender("plain loop", peerOfTexts(plainLoop)),
    contender(floor, promisesAlone),
    contender("codefactory", busOfTexts, true)
  ]
}

/** Messages that are objects, kept apart as JSON text. */
export const embeddedValues: Workload = {
  name: "memory-values",
  title: "Embedded in memory, values",
  unit: "messages",
  note: "A message is an object. A bus must not let a handler see what the publisher does to its " +
    "object afterwards, so it is turned into JSON text when it is published and read from it " +
    `where it is handled; the peers do the same, but for the one by reference. ${rules}`,
  aims: aims("codefactory publish", "fastq", "rxjs mergeMap", values),
  isolated: true,
  contenders: [
    contender("fastq", peerOfValues(fastqPromise)),
    contender("rxjs mergeMap", peerOfValues(rxjsMergeMap)),
    contender("fastq, by reference", peerOfReferences(fastqPromise)),
    contender("codefactory publish", busOfValues, true),
    contender("codefactory publishMany", busOfBatches, true)
  ]
}
