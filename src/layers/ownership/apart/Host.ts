/**
 * The host: what a pod with a log of its own does for others.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { MessageBus } from "../../../services/MessageBus.ts"
import { LogUnavailable } from "../../../services/MessageLog.ts"
import type { Tenure } from "../../../services/Tenure.ts"
import { administer, waitMax } from "../Host.ts"
import { unexpected } from "../Narrowing.ts"
import { encodeError, fromBytes, type Refused, toBytes } from "../Wire.ts"
import type { ApartAsk } from "./ApartAsk.ts"
import { labelled } from "./Labels.ts"

/** What a host works with. */
export interface HostOptions {
  readonly pod: string
  /** The bus of this pod, which calls rows by the numbers of all pods. */
  readonly bus: MessageBus["Service"]
  readonly tenure: Tenure["Service"]
  /** A pod wants to hear what is published here. */
  readonly heardBy: (pod: string) => Effect.Effect<void>
}

/** Answers what other pods ask; never fails. */
export const make = (options: HostOptions): (request: Uint8Array) => Effect.Effect<Uint8Array> => {
  const said = (more: { readonly value: unknown } | { readonly error: unknown }): Uint8Array =>
    toBytes({ pod: options.pod, owned: [], ...more })
  return (request) =>
    Effect.suspend(() => answer(options, fromBytes<ApartAsk>(request))).pipe(
      Effect.exit,
      Effect.map((exit) => {
        if (Exit.isSuccess(exit)) return said({ value: exit.value })
        const failed = Exit.findErrorOption(exit)
        return said({ error: encodeError(Option.getOrElse(failed, () => broken)) })
      })
    )
}

const broken = new LogUnavailable({ reason: "Io", detail: "the pod that was asked failed" })

const answer = (options: HostOptions, ask: ApartAsk): Effect.Effect<unknown, Refused> => {
  const { bus, pod, tenure } = options
  switch (ask.kind) {
    case "pull":
      return Effect.map(bus.pull(ask.name, ask.max, 0), (deliveries) => ({
        deliveries: labelled(pod, deliveries),
        wakes: tenure.wakes(ask.name)
      }))
    case "wait":
      return Effect.timeoutOption(tenure.woken(ask.name, ask.since), waitMax)
    case "ack":
      return bus.ack(ask.name, ask.ackIds)
    case "nack":
      return bus.nack(ask.name, ask.ackIds, ask.ms)
    case "extend":
      return bus.extend(ask.name, ask.ackIds, ask.ms ?? 0)
    case "subscribe":
      return Effect.mapError(bus.createSubscription(ask.name, ask.options), unexpected)
    case "unsubscribe":
      return Effect.catchTag(
        bus.deleteSubscription(ask.name),
        "SubscriptionUnknown",
        () => Effect.void
      )
    case "listen":
      return options.heardBy(ask.pod)
    case "reply":
      return Effect.sync(() => ask.pod === pod && tenure.reply(ask.topic, ask.reply))
    case "status":
      return Effect.map(bus.status(ask.id), Option.getOrUndefined)
    case "snapshot":
      return Effect.sync(() => bus.snapshot())
    case "letters":
      return bus.deadLetters(ask.filter, ask.after, ask.limit)
    default:
      return administer(bus, ask)
  }
}
