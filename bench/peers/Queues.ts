/**
 * Queues in memory: what npm and Effect have for handing messages to 32 handlers in one process.
 *
 * Each hands its items to a handler that counts. None retries, limits time, keeps priorities, keeps
 * the order of a key, or tells a slow handler from a fast one.
 */
import { Effect, Fiber, PubSub, Queue, Scope } from "effect"
import fastq from "fastq"
import PQueue from "p-queue"
import { mergeMap, Subject } from "rxjs"

/** Handlers that run at once: as many as the workers of the bus, 8 shards with 4 each. */
export const concurrency = 32

/** An open queue. */
export interface OpenQueue<A> {
  readonly push: (item: A) => void
  readonly close: () => Promise<void>
}

/** Makes a queue whose items reach `handle`. */
export type MakeQueue = <A>(handle: (item: A) => void) => OpenQueue<A>

const nothingToClose = () => Promise.resolve()

/** `fastq.promise`, whose handlers are async functions. */
export const fastqPromise = <A>(handle: (item: A) => void): OpenQueue<A> => {
  const queue = fastq.promise(async (item: A) => handle(item), concurrency)
  return { push: (item) => void queue.push(item), close: nothingToClose }
}

/** A subject and `mergeMap` of rxjs, whose handlers are async functions. */
export const rxjsMergeMap = <A>(handle: (item: A) => void): OpenQueue<A> => {
  const subject = new Subject<A>()
  const running = subject.pipe(mergeMap(async (item) => handle(item), concurrency)).subscribe()
  return {
    push: (item) => subject.next(item),
    close: async () => running.unsubscribe()
  }
}

/** `p-queue`, which takes functions. */
export const pQueue = <A>(handle: (item: A) => void): OpenQueue<A> => {
  const queue = new PQueue({ concurrency })
  return { push: (item) => void queue.add(async () => handle(item)), close: nothingToClose }
}

/** A `Queue` of Effect with 32 fibres that take one at a time. */
export const effectQueue = <A>(handle: (item: A) => void): OpenQueue<A> => {
  const queue = Effect.runSync(Queue.unbounded<A>())
  const fibres = takers(Queue.take(queue), handle)
  return { push: (item) => Queue.offerUnsafe(queue, item), close: () => ended(fibres) }
}

/** One subscription to a `PubSub` of Effect with 32 fibres that take one at a time. */
export const effectPubSub = <A>(handle: (item: A) => void): OpenQueue<A> => {
  const hub = Effect.runSync(PubSub.unbounded<A>())
  const scope = Effect.runSync(Scope.make())
  const subscription = Effect.runSync(Scope.provide(PubSub.subscribe(hub), scope))
  const fibres = takers(PubSub.take(subscription), handle)
  return { push: (item) => PubSub.publishUnsafe(hub, item), close: () => ended(fibres) }
}

const takers = <A>(take: Effect.Effect<A>, handle: (item: A) => void) => {
  const turn = Effect.map(take, handle)
  const forever = Effect.forever(turn, { disableYield: true })
  return Array.from({ length: concurrency }, () => Effect.runFork(forever))
}

const ended = (fibres: ReadonlyArray<Fiber.Fiber<unknown>>) =>
  Effect.runPromise(Fiber.interruptAll(fibres))

/** The bare ring: 8 rings, each emptied by 4 loops that wait when there is nothing. */
export const bareRing = <A>(handle: (item: A) => void): OpenQueue<A> => {
  const rings = Array.from({ length: 8 }, () => new Ring<A>())
  const state = { closed: false, next: 0 }
  const consume = async (ring: Ring<A>) => {
    const run = async (item: A) => handle(item)
    while (!state.closed) {
      const item = ring.shift()
      if (item === undefined) await ring.filled()
      else await run(item)
    }
  }
  rings.forEach((ring) => Array.from({ length: 4 }, () => void consume(ring)))
  return {
    push: (item) => rings[state.next++ & 7]?.push(item),
    close: async () => {
      state.closed = true
      rings.forEach((ring) => ring.wake())
    }
  }
}

/** A plain loop: an array that the next turn of the event loop goes through. The floor of all. */
export const plainLoop = <A>(handle: (item: A) => void): OpenQueue<A> => {
  const state: { items: Array<A> } = { items: [] }
  const drain = () => {
    const { items } = state
    state.items = []
    for (const item of items) handle(item)
  }
  return {
    push: (item) => {
      if (state.items.push(item) === 1) setImmediate(drain)
    },
    close: nothingToClose
  }
}

/** A ring that grows by doubling, with consumers that wait for it. */
class Ring<A> {
  private items: Array<A | undefined> = new Array(1_024)
  private head = 0
  private tail = 0
  private waiting: Array<() => void> = []

  push(item: A): void {
    if (this.tail - this.head === this.items.length) this.grow()
    this.items[this.tail++ & (this.items.length - 1)] = item
    this.waiting.pop()?.()
  }

  shift(): A | undefined {
    if (this.head === this.tail) return undefined
    const at = this.head++ & (this.items.length - 1)
    const item = this.items[at]
    this.items[at] = undefined
    return item
  }

  filled(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  wake(): void {
    this.waiting.splice(0).forEach((resolve) => resolve())
  }

  private grow(): void {
    const kept = Array.from({ length: this.tail - this.head }, () => this.shift())
    this.items = [...kept, ...new Array<A | undefined>(kept.length)]
    this.head = 0
    this.tail = kept.length
  }
}
