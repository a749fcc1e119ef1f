/**
 * The promises alone: what a message costs at least once it has an id, a record that outlives its
 * draft, a place in a log, a delivery with a state, a place that is counted, a time limit, and a
 * handler that is an Effect whose outcome is a value. No subscriptions, patterns, gates, keys,
 * retries, metrics or logs: a floor for the bus, as the bare ring is one for queues.
 */
import { Effect, Exit } from "effect"
import type { Draft, Message } from "../../src/domain/Message.ts"
import { makeIds } from "../../src/domain/MessageId.ts"
import { Fifo } from "../../src/layers/bus/Fifo.ts"
import { draftOfText, publishEach } from "../Embedded.ts"
import type { OpenHanding } from "../Handing.ts"
import { indexOf, textOf, topicOf } from "../Payloads.ts"
import { concurrency } from "./Queues.ts"

interface Entry {
  readonly message: Message
  readonly bytes: number
  readonly partition: number
  offset: number
  pending: number
}

interface Delivery {
  readonly entry: Entry
  state: "queued" | "running" | "settled"
  attempts: number
  takenAt: number
  deadline: number
}

interface Shared {
  readonly queue: Fifo<Delivery>
  readonly parked: Array<() => void>
  readonly log: Fifo<Entry>
  held: number
  heldBytes: number
  settled: number
  isClosed: boolean
  isWaking: boolean
}

const limitMs = 30_000

/** Hands texts to 32 fibres. */
export const promisesAlone: OpenHanding = async (handled) => {
  const nextId = makeIds(() => (Math.random() * 2 ** 32) | 0, 0)
  const shared: Shared = {
    queue: new Fifo(),
    parked: [],
    log: new Fifo(),
    held: 0,
    heldBytes: 0,
    settled: 0,
    isClosed: false,
    isWaking: false
  }
  const publish = (
    draft: Draft
  ): Effect.Effect<{ readonly id: string; readonly topic: string }> => {
    const now = Date.now()
    const message: Message = {
      ...draft,
      id: nextId(now, 0),
      publishedAt: now,
      replayOf: undefined
    }
    const entry: Entry = {
      message,
      bytes: draft.payloadBytes,
      partition: 0,
      offset: shared.log.length + shared.settled,
      pending: 1
    }
    shared.held++
    shared.heldBytes += entry.bytes
    shared.log.push(entry)
    shared.queue.push({ entry, state: "queued", attempts: 0, takenAt: 0, deadline: Infinity })
    wake(shared)
    return Effect.succeed({ id: message.id, topic: message.topic })
  }
  const handler = ({ entry }: Delivery) =>
    Effect.sync(() => handled(indexOf(entry.message.payload)))
  const workers = Array.from({ length: concurrency }, () => Effect.runFork(turns(shared, handler)))
  return {
    push: (from, to) =>
      Effect.runPromise(Effect.orDie(
        publishEach(from, to, 1, (at) => publish(draftOfText(topicOf(at), textOf(at))))
      )),
    close: async () => {
      shared.isClosed = true
      shared.parked.splice(0).forEach((resume) => resume())
      await Promise.all(workers.map((worker) => new Promise((done) => worker.addObserver(done))))
    }
  }
}

const wake = (shared: Shared): void => {
  if (shared.isWaking || shared.parked.length === 0) return
  shared.isWaking = true
  queueMicrotask(() => {
    shared.isWaking = false
    shared.parked.splice(0, shared.queue.length).forEach((resume) => resume())
  })
}

const turns = (
  shared: Shared,
  handler: (delivery: Delivery) => Effect.Effect<void>
): Effect.Effect<void> => {
  const current: { delivery: Delivery | undefined } = { delivery: undefined }
  const park = Effect.callback<Exit.Exit<void>>((resume) => {
    shared.parked.push(() => resume(Effect.succeed(Exit.void)))
  })
  return Effect.whileLoop({
    while: () => !shared.isClosed,
    body: (): Effect.Effect<Exit.Exit<void>> => {
      const delivery = shared.queue.shift()
      current.delivery = delivery
      if (delivery === undefined) return park
      delivery.state = "running"
      delivery.attempts++
      delivery.takenAt = Date.now()
      delivery.deadline = delivery.takenAt + limitMs
      return Effect.exit(Effect.suspend(() => handler(delivery)))
    },
    step: (exit) => {
      const { delivery } = current
      if (delivery === undefined || Exit.isFailure(exit)) return
      delivery.state = "settled"
      delivery.entry.pending--
      shared.held--
      shared.heldBytes -= delivery.entry.bytes
      while (shared.log.at(0)?.pending === 0) {
        shared.log.shift()
        shared.settled++
      }
    }
  })
}
