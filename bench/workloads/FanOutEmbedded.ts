/**
 * Fan-out in process: each message to every one of many subscribers.
 */
import { Effect } from "effect"
import Emittery from "emittery"
import { EventEmitter } from "node:events"
import { draftOfText, handleTexts, openEmbedded, publishEach } from "../Embedded.ts"
import { Counter } from "../Handing.ts"
import { textOf, topicOf } from "../Payloads.ts"
import { timed } from "../Timing.ts"
import type { Contender, Kept, Workload } from "../Workload.ts"
import { broadcasts, subscriptions } from "./InTheWay.ts"

const subscribers = 100

/** Messages published before the subscribers are waited for, and how often in one run. */
const size = { window: 200, windows: 10 }
const sizeSmoke = { window: 20, windows: 1 }

interface Publishing {
  readonly publish: (from: number, to: number) => Promise<unknown>
  readonly close: () => Promise<void>
}

const contender = (
  name: string,
  kept: Kept,
  open: (onEvent: () => void) => Promise<Publishing>
): Contender => ({
  name,
  kept,
  open: async (smoke) => {
    const counter = new Counter()
    const { close, publish } = await open(counter.add)
    const { window, windows } = smoke ? sizeSmoke : size
    const each = window * subscribers
    const run = () =>
      timed(windows * each, async () => {
        const before = counter.count
        for (let at = 0; at < windows; at++) {
          const all = counter.next(each)
          await publish(at * window, (at + 1) * window)
          await all
        }
        return counter.count - before
      })
    return { run, close }
  }
})

const eventName = "order"

const emittery = contender("emittery", "nothing", async (onEvent) => {
  const emitter = new Emittery<{ [eventName]: string }>()
  for (let index = 0; index < subscribers; index++) emitter.on(eventName, async () => onEvent())
  return {
    publish: async (from, to) => {
      for (let index = from; index < to; index++) void emitter.emit(eventName, textOf(index))
    },
    close: async () => emitter.clearListeners()
  }
})

const eventEmitter = contender("EventEmitter", "nothing", async (onEvent) => {
  const emitter = new EventEmitter().setMaxListeners(subscribers)
  // A function of its own for each, as of the others.
  for (let index = 0; index < subscribers; index++) emitter.on(eventName, () => onEvent())
  return {
    publish: async (from, to) => {
      for (let index = from; index < to; index++) emitter.emit(eventName, textOf(index))
    },
    close: async () => {
      emitter.removeAllListeners()
    }
  }
})

const codefactory = (name: string, mode: "compete" | "broadcast"): Contender =>
  contender(name, "in memory", async (onEvent) => {
    const { bus: { bus }, close, run } = await openEmbedded(
      { profile: "memory" },
      (bus) =>
        Effect.forEach(
          Array.from({ length: subscribers }, (_, index) => `bench-${index}`),
          (subscriber) => handleTexts("bench.>", onEvent, { name: subscriber, mode })(bus),
          { discard: true }
        )
    )
    const publish = (index: number) => bus.publish(draftOfText(topicOf(index), textOf(index)))
    return { publish: (from, to) => run(publishEach(from, to, 1, publish)), close }
  })

/** A hundred subscribers. */
export const fanOutEmbedded: Workload = {
  name: "fan-out",
  title: `Fan-out in process, ${subscribers} subscribers`,
  unit: "deliveries",
  note: `${size.window} messages at a time are published one by one and awaited until each of ` +
    `${subscribers} subscribers has got each of them; texts, by reference. Subscriptions of the ` +
    "bus retry, limit time and keep order, each for itself; in broadcast mode they do not. " +
    "emittery calls its listeners asynchronously, and EventEmitter within the publish: the floor.",
  aims: ["codefactory subscriptions", "codefactory broadcast"].map((name) => ({
    contender: name,
    measure: "perSecond",
    bound: "at least",
    value: 2,
    of: ["emittery"],
    inTheWay: name === "codefactory broadcast" ? broadcasts : subscriptions
  })),
  isolated: true,
  contenders: [
    emittery,
    eventEmitter,
    codefactory("codefactory subscriptions", "compete"),
    codefactory("codefactory broadcast", "broadcast")
  ]
}
