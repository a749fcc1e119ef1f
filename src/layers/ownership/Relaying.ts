/**
 * Relaying: a subscription with handlers in some pods gets what all pods have.
 *
 * A pod without a handler of its own attaches one that lets another pod run it: so order, attempts,
 * time limits and waits stay with the pod that has the message, and the handler with the pod that
 * has its code.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import type { SubscriptionName } from "../../domain/Subscription.ts"
import { HandlerFailed, HandlerNotBegun } from "../../services/Executor.ts"
import type { Handler, MessageBus } from "../../services/MessageBus.ts"
import type { Ran } from "../../services/OtherPods.ts"
import type { Attached, Handlers } from "./Handlers.ts"
import { askTimeout, type Peers } from "./Peers.ts"
import { type Ask, valueOf } from "./Wire.ts"

/** How often it is looked who has handlers, unless somebody says that it has changed. */
const lookEvery = Duration.seconds(5)

type Handle = MessageBus["Service"]["handle"]

/** What relaying takes. */
export interface RelayingOptions {
  readonly bus: MessageBus["Service"]
  /** Attaches a handler to the bus of this pod, under a subscription that all pods know. */
  readonly handle: Handle
  readonly peers: Peers
  readonly handlers: Handlers
}

/** A handler of which other pods have the code. Mutable: they come and go. */
interface Relay {
  readonly scope: Scope.Closeable
  pods: ReadonlyArray<string>
  turn: number
}

/** The relaying of one pod. */
export interface Relaying {
  /** Attaches a handler here, and lets other pods know that it is here. */
  readonly handle: Handle
  /** Looks who has handlers, soon. */
  readonly look: Effect.Effect<void>
  /** Attaches and detaches for as long as it runs. */
  readonly run: Effect.Effect<never>
}

/** The relaying of a pod, which ends with the scope. */
export const make = (
  options: RelayingOptions
): Effect.Effect<Relaying, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { handlers, peers } = options
    const relays = new Map<SubscriptionName, Relay>()
    const asked = Latch.makeUnsafe(false)
    const look = Effect.sync(() => asked.openUnsafe())
    const tell = Effect.ignore(peers.gather({ kind: "look" }))
    yield* Effect.addFinalizer(() =>
      Effect.forEach([...relays.keys()], (name) => release(relays, name), { discard: true })
    )
    const scope = yield* Effect.scope
    return {
      look,
      run: Effect.forever(Effect.gen(function*() {
        asked.closeUnsafe()
        yield* Effect.ignore(reconcile(options, relays))
        yield* Effect.timeoutOption(asked.await, lookEvery)
      })),
      handle: (name, wanted, handler, retry, extras) =>
        Effect.gen(function*() {
          const own = { handler, retry, ...extras }
          yield* Effect.acquireRelease(
            Effect.sync(() => handlers.enter(name, own)),
            () =>
              Effect.andThen(
                Effect.sync(() => handlers.leave(name, own)),
                Effect.forkIn(tell, scope)
              )
          )
          yield* release(relays, name)
          yield* options.handle(name, wanted, handler, retry, extras)
          yield* Effect.forkIn(tell, scope)
        })
    }
  })

const release = (
  relays: Map<SubscriptionName, Relay>,
  name: SubscriptionName
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const relay = relays.get(name)
    relays.delete(name)
    return relay === undefined ? Effect.void : Scope.close(relay.scope, Exit.void)
  })

/** Attaches what other pods run and this one does not, and detaches what nobody runs any more. */
const reconcile = Effect.fnUntraced(function*(
  options: RelayingOptions,
  relays: Map<SubscriptionName, Relay>
) {
  const { handlers, peers } = options
  const said = yield* peers.gather({ kind: "handlers" })
  const known = new Map(said.map((one) => [one.pod, valueOf<ReadonlyArray<Attached>>(one)]))
  const elsewhere = Map.groupBy(
    [...known].flatMap(([pod, attached]) => attached.map((one) => ({ ...one, pod }))),
    ({ name }) => name
  )
  for (const [name, relay] of [...relays]) {
    relay.pods = (elsewhere.get(name) ?? []).map(({ pod }) => pod)
    if (relay.pods.length === 0) yield* release(relays, name)
  }
  for (const [name, attached] of elsewhere) {
    const [first] = attached
    if (first === undefined || handlers.has(name) || relays.has(name)) continue
    yield* Effect.ignore(
      attach(options, relays, first, attached.map(({ pod }) => pod))
    )
  }
})

const attach = Effect.fnUntraced(function*(
  { bus, peers }: RelayingOptions,
  relays: Map<SubscriptionName, Relay>,
  { fates, name, retry }: Attached,
  pods: ReadonlyArray<string>
) {
  const { options } = yield* bus.subscription(name)
  const relay: Relay = { scope: yield* Scope.make(), pods, turn: 0 }
  const timeout = Duration.sum(Duration.millis(options.ackTimeoutMs), askTimeout)
  relays.set(name, relay)
  yield* bus.handle(name, options, relayed(peers, relay, timeout), retry, { fates }).pipe(
    Scope.provide(relay.scope),
    Effect.onError(() => release(relays, name))
  )
})

/** Runs at one of the pods, in turn. */
const relayed =
  (peers: Peers, relay: Relay, timeout: Duration.Duration): Handler =>
  ({ attempt, message, subscription: name }) =>
    Effect.suspend(() => {
      const pod = relay.pods[relay.turn++ % relay.pods.length]
      return pod === undefined
        ? Effect.fail(new HandlerNotBegun())
        : runAt(peers, pod, { kind: "handle", pod, name, attempt, message }, timeout)
    })

const runAt = Effect.fnUntraced(function*(
  peers: Peers,
  pod: string,
  ask: Ask,
  timeout: Duration.Duration
) {
  const said = yield* Effect.mapError(peers.askPod(pod, ask, timeout), lost)
  if (said === undefined) return yield* lost({ message: `the pod ${pod} has left` })
  const ran = valueOf<Ran>(said)
  if (ran === "NotBegun") return yield* new HandlerNotBegun()
  if (ran !== "Done") return yield* new HandlerFailed(ran)
})

/** An attempt: what ended the pod may have been the message. */
const lost = ({ message }: { readonly message: string }): HandlerFailed =>
  new HandlerFailed({ tag: "PodLost", error: message, isPermanent: false })
