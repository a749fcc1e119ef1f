/**
 * The contenders of the workloads in memory: the bus and its peers, by what a message is.
 */
import { Effect, Result } from "effect"
import { draftOfText, handleTexts, handleValues, openEmbedded, publishEach } from "../Embedded.ts"
import type { OpenHanding } from "../Handing.ts"
import { indexOf, payloadOf, textOf, topicOf } from "../Payloads.ts"
import type { MakeQueue } from "../peers/Queues.ts"

type Order = ReturnType<typeof payloadOf>

/** The pattern of all topics of the benchmark. */
const everything = "bench.>"

/** A peer that hands a text on: a text cannot be changed, so it need not be copied. */
export const peerOfTexts = (make: MakeQueue): OpenHanding => async (handled) => {
  const queue = make<string>((text) => handled(indexOf(text)))
  return {
    push: async (from, to) => {
      for (let index = from; index < to; index++) queue.push(textOf(index))
    },
    close: queue.close
  }
}

/** A peer that keeps values apart as the bus does: written as JSON text, and read from it. */
export const peerOfValues = (make: MakeQueue): OpenHanding => async (handled) => {
  const queue = make<string>((text) => {
    const order: Order = JSON.parse(text)
    handled(order.orderId)
  })
  return {
    push: async (from, to) => {
      for (let index = from; index < to; index++) queue.push(JSON.stringify(payloadOf(index)))
    },
    close: queue.close
  }
}

/** A peer that hands the object itself over: what it costs when nothing is kept apart. */
export const peerOfReferences = (make: MakeQueue): OpenHanding => async (handled) => {
  const queue = make<Order>((order) => handled(order.orderId))
  return {
    push: async (from, to) => {
      for (let index = from; index < to; index++) queue.push(payloadOf(index))
    },
    close: queue.close
  }
}

/** The bus in memory, one publish per text. */
export const busOfTexts: OpenHanding = async (handled) => {
  const { bus: { bus }, close, run } = await openEmbedded(
    { profile: "memory" },
    handleTexts(everything, (text) => handled(indexOf(text)))
  )
  return {
    push: (from, to) =>
      run(publishEach(from, to, 1, (at) => bus.publish(draftOfText(topicOf(at), textOf(at))))),
    close
  }
}

const openValues = (handled: (index: number) => void) =>
  openEmbedded(
    { profile: "memory" },
    handleValues(everything, (value) => handled((value as Order).orderId))
  )

/** The bus in memory, one publish per value. */
export const busOfValues: OpenHanding = async (handled) => {
  const { bus, close, run } = await openValues(handled)
  return {
    push: (from, to) =>
      run(publishEach(from, to, 1, (index) => bus.publish(topicOf(index), payloadOf(index)))),
    close
  }
}

/** The bus in memory, a thousand values per call. */
export const busOfBatches: OpenHanding = async (handled) => {
  const { bus, close, run } = await openValues(handled)
  const publish = (from: number, to: number) => {
    const items = Array.from({ length: to - from }, (_, at) => ({
      topic: topicOf(from + at),
      payload: payloadOf(from + at)
    }))
    return Effect.map(bus.publishMany(items), (results) => {
      const refused = results.find(Result.isFailure)
      if (refused !== undefined) throw refused.failure
    })
  }
  return {
    push: async (from, to) => {
      for (let at = from; at < to; at += 1_000) await run(publish(at, Math.min(at + 1_000, to)))
    },
    close
  }
}
