/**
 * The series of publishing: what was accepted, repeated or refused, idempotency keys and hooks.
 */
import type { Snapshot } from "../../domain/Snapshot.ts"
import { one, type Sample, type Series } from "./Samples.ts"

/** The tags of refused publishes: at 0 from the start. */
const refusals = [
  "BusClosed",
  "ShardFull",
  "BacklogFull",
  "DelayedLimit",
  "ShardPaused",
  "IdempotencyConflict",
  "IdempotencyInFlight",
  "KeysUnavailable",
  "TopicReserved",
  "MessageInvalid",
  "PayloadTooLarge",
  "HookRefused",
  "RequestLimit",
  "LogUnavailable"
] as const

const refused = (snapshot: Snapshot): ReadonlyArray<Sample> =>
  Array.from(new Set([...refusals, ...Object.keys(snapshot.refused)]), (error) => ({
    labels: { error },
    value: snapshot.refused[error] ?? 0
  }))

/** Counters end in `_total`. */
export const publishingSeries: ReadonlyArray<Series> = [
  {
    name: "message_bus_published_total",
    help: "Messages accepted",
    type: "counter",
    read: ({ published }) => one(published)
  },
  {
    name: "message_bus_unrouted_total",
    help: "Accepted messages that no subscription matched",
    type: "counter",
    read: ({ unrouted }) => one(unrouted)
  },
  {
    name: "message_bus_duplicates_total",
    help: "Publishes answered with an earlier acceptance",
    type: "counter",
    read: ({ duplicates }) => one(duplicates)
  },
  {
    name: "message_bus_idempotency_keys",
    help: "Idempotency keys in memory",
    type: "gauge",
    read: ({ idempotency }) => one(idempotency.keys)
  },
  {
    name: "message_bus_idempotency_keys_max",
    help: "Idempotency keys that memory may hold",
    type: "gauge",
    read: ({ idempotency }) => one(idempotency.keysMax)
  },
  {
    name: "message_bus_idempotency_in_flight",
    help: "Publishes under an idempotency key that have not finished",
    type: "gauge",
    read: ({ idempotency }) => one(idempotency.inFlight)
  },
  {
    name: "message_bus_idempotency_forgotten_total",
    help: "Idempotency keys forgotten before their time for want of room",
    type: "counter",
    read: ({ idempotency }) => one(idempotency.forgotten)
  },
  {
    name: "message_bus_refused_total",
    help: "Publishes refused",
    type: "counter",
    read: refused
  },
  {
    name: "message_bus_requests_waiting",
    help: "Requests that wait for a reply",
    type: "gauge",
    read: ({ requests }) => one(requests.waiting)
  },
  {
    name: "message_bus_requests_waiting_max",
    help: "Requests that may wait for a reply",
    type: "gauge",
    read: ({ requests }) => one(requests.waitingMax)
  },
  {
    name: "message_bus_requests_total",
    help: "Requests that ended, by how",
    type: "counter",
    read: ({ requests: { answered, timedOut } }) => [
      { labels: { outcome: "answered" }, value: answered },
      { labels: { outcome: "timed_out" }, value: timedOut }
    ]
  },
  {
    name: "message_bus_replies_ignored_total",
    help: "Replies that came late, twice or for an unknown request",
    type: "counter",
    read: ({ requests }) => one(requests.repliesIgnored)
  },
  {
    name: "message_bus_hooks",
    help: "Hooks that are registered, before and after publishes",
    type: "gauge",
    read: ({ hooks: { after, before } }) => [
      { labels: { when: "before" }, value: before },
      { labels: { when: "after" }, value: after }
    ]
  },
  {
    name: "message_bus_hook_failures_total",
    help: "Runs of hooks after a publish that failed",
    type: "counter",
    read: ({ hooks }) => one(hooks.afterFailed)
  },
  {
    name: "message_bus_hook_overflow_total",
    help: "Messages not shown to a hook after the publish, for too many waited",
    type: "counter",
    read: ({ hooks }) => one(hooks.afterDropped)
  }
]
