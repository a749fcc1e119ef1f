/**
 * Spawning: starts the worker of an executor thread, with its control calls.
 */
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as RpcClient from "effect/rpc/RpcClient"
import { extname } from "node:path"
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads"
import { Control } from "./Control.ts"
import type { NumberedModule, ThreadStart, ToThread } from "./Protocol.ts"
import { slotMemory } from "./Slots.ts"

/** The control calls of one thread, as effects. */
export type Controls = Effect.Success<ReturnType<typeof makeControls>>

/** A worker that was started, with what reaches it. */
export interface Spawned {
  readonly worker: Worker
  readonly port: MessagePort
  readonly memory: SharedArrayBuffer
  /** The control calls, as soon as the thread serves them. */
  readonly controls: Effect.Effect<Controls>
}

/** Most control calls under way in one thread: modules that load at the same time. */
const controlsMax = 64

/** Starts a worker with these modules. `fork` runs its control calls until it exits. */
export const spawn = (
  modules: ReadonlyArray<NumberedModule>,
  heapMegabytesMax: number | undefined,
  fork: (effect: Effect.Effect<unknown>) => Fiber.Fiber<unknown>
): Spawned => {
  const { port1, port2 } = new MessageChannel()
  const memory = slotMemory()
  const start: ThreadStart = { port: port2, memory, modules }
  const worker = new Worker(isSource ? new URL("./thread/thread.ts", import.meta.url) : compiled, {
    name: "executor",
    workerData: start,
    transferList: [port2],
    ...(heapMegabytesMax === undefined
      ? {}
      : { resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax } })
  })
  const controls = Deferred.makeUnsafe<Controls>()
  const fiber = fork(
    Effect.scoped(Effect.andThen(
      Effect.flatMap(makeControls(), (made) => Deferred.succeed(controls, made)),
      Effect.never
    )).pipe(Effect.provide(protocol(worker)), Effect.ignore)
  )
  worker.on("exit", () => fiber.interruptUnsafe())
  const state = { isAsked: false } // Mutable on purpose: most threads are asked much later.
  const asked = Effect.suspend(() => {
    if (!state.isAsked) port1.postMessage(serve, [])
    state.isAsked = true
    return Deferred.await(controls)
  })
  return { worker, port: port1, memory, controls: asked }
}

/** Only then the thread loads what control calls need: it holds up all else for a while. */
const serve: ToThread = { frame: undefined, cancelled: [], answers: [], isControlled: true }

const makeControls = () => RpcClient.make(Control, { disableTracing: true })

const protocol = (worker: Worker) =>
  RpcClient.layerProtocolWorker({ size: 1, concurrency: controlsMax }).pipe(
    Layer.provide(NodeWorker.layer(() => worker))
  )

const isSource = extname(import.meta.url) === ".ts"
const compiled = new URL("./thread/thread.js", import.meta.url)
