/** The snapshot of a fake bus: numbers that differ, so that a test sees which one it got. */
import type { Snapshot } from "../../src/domain/Snapshot.ts"
import type { FakeState } from "./FakeBus.ts"
import { shardsOf } from "./FakeShards.ts"

const histogram = { bounds: [0.001, 1], counts: [0, 0, 0], sum: 0 }

/** The snapshot of a state. */
export const snapshotOf = (fake: FakeState): Snapshot => ({
  state: fake.state,
  shards: shardsOf(fake.shards),
  subscriptions: Array.from(fake.subscriptions.values(), ({ name }) => ({
    name,
    consumer: "Pull" as const,
    matched: 9,
    unread: 0,
    replayed: 0,
    acked: 4,
    deadLettered: 2,
    expired: 0,
    dropped: 0,
    pending: 3,
    parked: 0,
    inFlight: 1,
    deadLetters: 2,
    redelivered: 0,
    mode: "live" as const,
    spills: 0,
    filterErrors: 0,
    callbackLatency: { bounds: [0.001, 1], counts: [1, 2, 3], sum: 7.5 }
  })),
  published: fake.stored.length,
  unrouted: 0,
  duplicates: 0,
  idempotency: { keys: 0, keysMax: 1, inFlight: 0, forgotten: 0 },
  hooks: { before: 0, after: 0, afterFailed: 0, afterDropped: 0 },
  requests: { waiting: 0, waitingMax: 1, answered: 0, timedOut: 0, repliesIgnored: 0 },
  refused: { ShardFull: 2 },
  topics: [["orders", fake.stored.length]],
  callbackErrors: [],
  messageAge: histogram,
  dispatchDuration: histogram,
  wallOffset: 0,
  retention: {
    logBytes: 0,
    oldest: undefined,
    deleted: 0,
    delayed: 0,
    delayedMax: 9,
    backlogBytes: 0,
    backlogBytesMax: 9,
    backlogGate: "Open"
  },
  decisions: 0,
  announcementFailures: 0,
  fibreRestarts: [],
  ownRows: { count: 0, bytes: 0, refused: 0 },
  tails: { open: 3, reading: 1, events: 40, gaps: 2 },
  commitRetries: 1,
  degraded: fake.degraded
})
