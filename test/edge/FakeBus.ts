/**
 * A bus in a few maps: what the edge's own tests need of one, without shards, workers or a log.
 *
 * Some topics make it refuse, so that each error can be seen at the edge.
 */
import { Effect, Layer, Option, Result } from "effect"
import type { DeadLetter, DeadLetterFilter } from "../../src/domain/DeadLetter.ts"
import type { Decision } from "../../src/domain/Decision.ts"
import { type Draft, type Message, MessageInvalid } from "../../src/domain/Message.ts"
import { makeIds } from "../../src/domain/MessageId.ts"
import { isReplyTopic } from "../../src/domain/Request.ts"
import type { Snapshot } from "../../src/domain/Snapshot.ts"
import {
  compare,
  type Subscription,
  SubscriptionConflict,
  SubscriptionHandled,
  SubscriptionLimit,
  SubscriptionUnknown
} from "../../src/domain/Subscription.ts"
import { isReserved, TopicReserved } from "../../src/domain/Topic.ts"
import { HookRefused } from "../../src/services/Hooks.ts"
import { BacklogFull, DelayedLimit } from "../../src/services/LogCapacity.ts"
import {
  type Accepted,
  BusClosed,
  IdempotencyConflict,
  IdempotencyInFlight,
  KeysUnavailable,
  MessageBus,
  type PublishError
} from "../../src/services/MessageBus.ts"
import { LogUnavailable } from "../../src/services/MessageLog.ts"
import type { ParkedDelivery } from "../../src/services/Parked.ts"
import { RequestLimit, RequestTimeout } from "../../src/services/Requests.ts"
import { ShardFull } from "../../src/services/Shards.ts"
import { deadLetterCalls } from "./FakeDeadLetters.ts"
import { fakeParked } from "./FakeParked.ts"
import { type FakeShards, fakeShards, shardCalls } from "./FakeShards.ts"
import { snapshotOf } from "./FakeSnapshot.ts"

/** What tests look at and change behind the edge's back. */
export interface FakeState {
  readonly stored: Array<Message>
  readonly subscriptions: Map<string, Subscription>
  readonly deadLetters: Array<DeadLetter>
  readonly parked: Array<ParkedDelivery>
  readonly filters: Array<DeadLetterFilter>
  readonly settled: Array<readonly [kind: string, ackIds: ReadonlyArray<string>, ms: number]>
  readonly decisions: Array<Decision>
  readonly shards: FakeShards
  /** What is changed for all pods. */
  readonly shardsElsewhere: FakeShards
  state: Snapshot["state"]
  degraded: ReadonlyArray<string>
  pullsInterrupted: number
  pullsWaiting: number
  readonly requests: Array<readonly [draft: Draft, timeoutMs: number]>
}

/** An empty state. */
export const fakeState = (): FakeState => ({
  stored: [],
  subscriptions: new Map(),
  deadLetters: [],
  parked: [],
  filters: [],
  settled: [],
  decisions: [],
  shards: fakeShards(),
  shardsElsewhere: fakeShards(),
  state: "Running",
  degraded: [],
  pullsInterrupted: 0,
  pullsWaiting: 0,
  requests: []
})

/** The refusal that a topic named `refuse.<name>` provokes. */
const refusals = new Map<string, (draft: Draft) => PublishError>(Object.entries({
  "refuse.closed": () => new BusClosed({ state: "Closing" }),
  "refuse.full": () => new ShardFull({ shard: 3, retryAfterMs: 1_200 }),
  "refuse.backlog": () => new BacklogFull({ bytes: 9, limitBytes: 10, retryAfterMs: 1_000 }),
  "refuse.delayed": () => new DelayedLimit({ limit: 7, retryAfterMs: 1_000 }),
  "refuse.conflict": (draft: Draft) =>
    new IdempotencyConflict({ idempotencyKey: draft.idempotencyKey ?? "", firstId: "first" }),
  "refuse.inflight": (draft: Draft) =>
    new IdempotencyInFlight({ idempotencyKey: draft.idempotencyKey ?? "" }),
  "refuse.keys": () => new KeysUnavailable({ detail: "away" }),
  "refuse.hook": () => new HookRefused({ hook: "audit", reason: "not today" }),
  "refuse.log": () => new LogUnavailable({ reason: "Full", detail: "no space" }),
  "refuse.invalid": () => new MessageInvalid({ field: "payload", reason: "expected more" })
}))

const makePublish = (fake: FakeState) => {
  let random = 1 // Any numbers do: nothing here depends on them.
  const nextId = makeIds(() => (random = Math.imul(random, 48_271) >>> 0), 1_700_000_000_000)
  return (draft: Draft): Result.Result<Accepted, PublishError> => {
    const refusal = refusals.get(draft.topic)
    if (refusal !== undefined) return Result.fail(refusal(draft))
    const { topic } = draft
    if (isReserved(topic) && !isReplyTopic(topic)) return Result.fail(new TopicReserved({ topic }))
    const { payloadBytes: _, ...rest } = draft
    const id = nextId(1_700_000_000_000, 7)
    fake.stored.push({ ...rest, id, publishedAt: 1_700_000_000_000, replayOf: undefined })
    return Result.succeed({ id, topic, shard: 1, durability: "memory", duplicate: false })
  }
}

/** A settled or leased delivery's ack id names the index of its message. */
const settle = (fake: FakeState, kind: string, name: string, ids: ReadonlyArray<string>, ms = 0) =>
  Effect.suspend(() => {
    if (!fake.subscriptions.has(name)) return Effect.fail(new SubscriptionUnknown({ name }))
    fake.settled.push([kind, ids, ms])
    const unknown = ids.filter((id) => !id.startsWith("ack-"))
    return Effect.succeed({ done: ids.length - unknown.length, unknown })
  })

const makePull = (fake: FakeState): MessageBus["Service"]["pull"] => (name, max, waitMs) =>
  Effect.suspend((): ReturnType<MessageBus["Service"]["pull"]> => {
    if (!fake.subscriptions.has(name)) return Effect.fail(new SubscriptionUnknown({ name }))
    if (name === "handled") return Effect.fail(new SubscriptionHandled({ name }))
    const leased = fake.stored.slice(0, max).map((message, index) => ({
      ackId: `ack-${index}`,
      attempt: 1,
      leaseExpiresAt: 1_700_000_030_000,
      message
    }))
    if (leased.length > 0 || waitMs === 0) return Effect.succeed(leased)
    fake.pullsWaiting++
    return Effect.onInterrupt(Effect.never, () => Effect.sync(() => void fake.pullsInterrupted++))
  })

/** Replies with what it was asked, but for topics that say otherwise. */
const requestIn =
  (fake: FakeState): MessageBus["Service"]["requests"]["request"] => (draft, timeoutMs) => {
    fake.requests.push([draft, timeoutMs])
    const { topic } = draft
    return topic === "refuse.timeout"
      ? Effect.fail(new RequestTimeout({ topic, timeoutMs }))
      : topic === "refuse.waiting"
      ? Effect.fail(new RequestLimit({ limit: 10_000 }))
      : Effect.succeed({ payload: draft.payload, headers: draft.headers, contentType: undefined })
  }

/** The service over a state. */
export const fakeBus = (fake: FakeState): MessageBus["Service"] => {
  const publish = makePublish(fake)
  return {
    durability: "memory",
    publish: (draft) =>
      draft.topic === "refuse.defect"
        ? Effect.die(new Error("secret of the server"))
        : Effect.suspend(() => {
          const result = Effect.fromResult(publish(draft))
          return draft.topic === "late" ? Effect.delay(result, "20 millis") : result
        }),
    publishMany: (drafts) => Effect.sync(() => drafts.map(publish)),
    createSubscription: (name, options) =>
      Effect.suspend((): ReturnType<MessageBus["Service"]["createSubscription"]> => {
        if (name === "one.too.many") return Effect.fail(new SubscriptionLimit({ limit: 10_000 }))
        const existing = fake.subscriptions.get(name)
        const created = existing === undefined ? "New" : compare(existing.options, options)
        if (created === undefined) {
          return Effect.fail(new SubscriptionConflict({ name, field: "topic" }))
        }
        const subscription = { incarnation: 1, name, options, starts: [] }
        fake.subscriptions.set(name, subscription)
        return Effect.succeed({ created, subscription })
      }),
    deleteSubscription: (name) =>
      Effect.suspend(() =>
        fake.subscriptions.delete(name)
          ? Effect.void
          : Effect.fail(new SubscriptionUnknown({ name }))
      ),
    subscription: (name) =>
      Effect.suspend(() => {
        const found = fake.subscriptions.get(name)
        return found === undefined
          ? Effect.fail(new SubscriptionUnknown({ name }))
          : Effect.succeed(found)
      }),
    subscriptions: Effect.sync(() => Array.from(fake.subscriptions.values())),
    handle: () => Effect.die("not in this fake"),
    pull: makePull(fake),
    ack: (name, ids) => settle(fake, "ack", name, ids),
    nack: (name, ids, ms) => settle(fake, "nack", name, ids, ms),
    extend: (name, ids, ms) => settle(fake, "extend", name, ids, ms),
    status: (id) =>
      Effect.sync(() => {
        const message = fake.stored.find((stored) => stored.id === id)
        return message === undefined
          ? Option.none()
          : Option.some({ message, shard: 1, state: "stored" as const, deliveries: [] })
      }),
    ...deadLetterCalls(fake),
    shards: shardCalls(fake.shards),
    watching: {
      shards: () => [],
      vitals: () => ({ fibreRestarts: 0, runs: 0, errors: 0, logFailure: undefined }),
      restaff: () => Effect.void,
      decide: () => {},
      onDecision: () => Effect.void,
      onGateClosed: () => Effect.void
    },
    shardsOfAll: shardCalls(fake.shardsElsewhere),
    decisions: ({ kind, subject }, after, limit) =>
      fake.decisions.filter((made) =>
        made.id > after && (kind ?? made.kind) === made.kind &&
        (subject ?? made.subject) === made.subject
      ).slice(0, limit),
    requests: { request: requestIn(fake) },
    hooks: { before: () => Effect.die("not in this fake"), after: () => Effect.die("nor this") },
    parked: fakeParked(fake.parked),
    tails: { open: () => Effect.die("not in this fake") },
    drain: Effect.void,
    snapshot: () => snapshotOf(fake),
    pods: Effect.sync(() => [
      { pod: "a", snapshot: snapshotOf(fake) },
      { pod: "b", snapshot: undefined, detail: "no answer" }
    ])
  }
}

/** The service as a layer. */
export const fakeBusLayer = (fake: FakeState) => Layer.succeed(MessageBus, fakeBus(fake))
