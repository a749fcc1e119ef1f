/**
 * The host: what this pod does for others, with the partitions that it has.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as AckId from "../../domain/AckId.ts"
import { allPartitions } from "../../domain/Position.ts"
import { matcher } from "../../domain/TopicPattern.ts"
import type { MessageBus } from "../../services/MessageBus.ts"
import { LogUnavailable, type MessageLog, type Scanned } from "../../services/MessageLog.ts"
import type { FedEntry } from "../../services/OtherPods.ts"
import { changeShards } from "../../services/ShardChange.ts"
import type { Tenure } from "../../services/Tenure.ts"
import type { Feed } from "./Feeding.ts"
import type { Handlers } from "./Handlers.ts"
import { unexpected } from "./Narrowing.ts"
import { receiving } from "./Receiving.ts"
import { type Ask, encodeError, fromBytes, type Refused, type Said, toBytes } from "./Wire.ts"

/** Longest wait for something to pull: pods ask again. */
export const waitMax = Duration.seconds(20)

/** What a host works with. */
export interface HostOptions {
  readonly pod: string
  readonly bus: MessageBus["Service"]
  readonly log: MessageLog["Service"]
  readonly tenure: Tenure["Service"]
  readonly takenAt: (partition: number) => number
  readonly feed: Feed
  readonly handlers: Handlers
  /** Looks up anew who has handlers. */
  readonly look: Effect.Effect<void>
}

/** Answers what other pods ask; never fails. */
export const make = (options: HostOptions): (request: Uint8Array) => Effect.Effect<Uint8Array> => {
  const { log, pod } = options
  const receive = receiving(options)
  const said = (more: Pick<Said, "error" | "value">): Uint8Array =>
    toBytes({ pod, owned: allPartitions.filter(log.owns), ...more })
  return (request) =>
    Effect.suspend(() => answer(options, receive, fromBytes<Ask>(request))).pipe(
      Effect.exit,
      Effect.map((exit) => {
        if (Exit.isSuccess(exit)) return said({ value: exit.value })
        const failed = Exit.findErrorOption(exit)
        return said({
          error: encodeError(Option.getOrElse(failed, () => broken))
        })
      })
    )
}

const broken = new LogUnavailable({ reason: "Io", detail: "the pod that owns it failed" })

const answer = (
  options: HostOptions,
  receive: ReturnType<typeof receiving>,
  ask: Ask
): Effect.Effect<unknown, Refused> => {
  const { bus, pod, tenure } = options
  switch (ask.kind) {
    case "hello":
      return Effect.void
    case "publish":
      return receive(ask.drafts, ask.sentAt)
    case "pull":
      return Effect.map(bus.pull(ask.name, ask.max, 0), (deliveries) => ({
        deliveries,
        wakes: tenure.wakes(ask.name)
      }))
    case "wait":
      return Effect.map(
        Effect.timeoutOption(tenure.woken(ask.name, ask.since), waitMax),
        () => tenure.wakes(ask.name)
      )
    case "ack":
    case "nack":
    case "extend":
      return settle(options, ask)
    case "starts":
      return Effect.sync(() => tenure.starts(ask.from))
    case "welcome":
      return tenure.welcome([ask.subscription])
    case "dismiss":
      return tenure.dismiss(ask.incarnation)
    case "shards":
      return Effect.mapError(changeShards(bus.shards, ask.change), unexpected)
    case "snapshot":
      return Effect.sync(() => bus.snapshot())
    case "status":
      return Effect.map(bus.status(ask.id), Option.getOrUndefined)
    case "lanes":
    case "feed":
      return options.feed(ask)
    case "scan":
      return scan(options, ask)
    case "handlers":
      return Effect.sync(() => options.handlers.attached)
    case "look":
      return options.look
    case "handle":
      return ask.pod === pod ? options.handlers.run(tenure, ask) : Effect.undefined
    case "reply":
      return Effect.sync(() => ask.pod === pod && tenure.reply(ask.topic, ask.reply))
    default:
      return administer(bus, ask)
  }
}

/** What operators ask for. */
export const administer = (
  bus: MessageBus["Service"],
  ask: Extract<
    Ask,
    { kind: "replay" | "edit" | "deleteLetters" | "parked" | "release" | "drop" }
  >
): Effect.Effect<unknown, Refused> => {
  switch (ask.kind) {
    case "replay":
      return bus.replay(ask.filter, ask.dryRun)
    case "edit":
      return bus.editDeadLetter(ask.id, ask.payload)
    case "deleteLetters":
      return bus.deleteDeadLetters(ask.filter)
    case "parked":
      return bus.parked.list(ask.filter, ask.after, ask.limit)
    case "release":
      return bus.parked.release(ask.filter)
    case "drop":
      return bus.parked.drop(ask.filter)
  }
}

/** What a tail of another pod reads of the log. */
const scan = (
  { log }: HostOptions,
  { pattern, request }: Extract<Ask, { kind: "scan" }>
): Effect.Effect<Scanned<FedEntry>, LogUnavailable> =>
  Effect.map(log.scan({ ...request, wants: matcher(pattern) }), ({ entries, ...more }) => ({
    ...more,
    entries: entries.map(({ bytes, logLane, message, offset }) => ({
      bytes,
      logLane,
      message,
      offset
    }))
  }))

/** Ack ids of partitions that are not here are given back. */
const settle = (
  { bus, log }: HostOptions,
  { ackIds, kind, ms, name }: Extract<Ask, { kind: "ack" | "nack" | "extend" }>
) => {
  const isHere = (text: string): boolean => {
    const id = AckId.parse(text)
    return id === undefined || log.owns(AckId.partitionOf(id))
  }
  const own = ackIds.filter(isHere)
  const elsewhere = ackIds.filter((id) => !isHere(id))
  const settled = kind === "ack"
    ? bus.ack(name, own)
    : kind === "nack"
    ? bus.nack(name, own, ms)
    : bus.extend(name, own, ms ?? 0)
  return Effect.map(settled, (result) => ({ ...result, elsewhere }))
}
