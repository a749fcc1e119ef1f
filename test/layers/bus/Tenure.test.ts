import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted, type Scope } from "effect"
import { partitionOfId } from "../../../src/domain/MessageId.ts"
import { partitionCount } from "../../../src/domain/Position.ts"
import { SubscriptionName } from "../../../src/domain/Subscription.ts"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as PostgresLog from "../../../src/layers/log/postgres/PostgresLog.ts"
import { DatabaseCounts, databaseCounts } from "../../../src/layers/observe/DatabaseCounts.ts"
import { LogPartitions } from "../../../src/services/LogPartitions.ts"
import { databases } from "../../servers/Databases.ts"
import { draft, options } from "./Drafts.ts"

const { newDatabase } = databases()

const logAt = (url: string, owner: string) =>
  PostgresLog.layerShared({
    url: Redacted.make(url),
    owner,
    connectionsMax: 4,
    acquireTimeout: Duration.seconds(30),
    connectionAgeMax: Duration.hours(1),
    retrying: { attempts: 3, delay: Duration.seconds(1) },
    claimsFor: Duration.hours(1)
  })

/** A bus that shares the log at an address with others, and has no partition yet. */
const podAt = Effect.fnUntraced(function*(url: string, owner: string) {
  const context = yield* Layer.build(logAt(url, owner))
  return yield* Effect.provideContext(
    Effect.gen(function*() {
      const partitions = yield* LogPartitions
      const made = yield* Bus.make({ ...Bus.optionsDefault, shardCount: 2 })
      const take = (wanted: ReadonlyArray<number>) =>
        Effect.gen(function*() {
          const { open, parts, subscriptions } = yield* partitions.take(wanted)
          yield* made.tenure.welcome(subscriptions)
          open()
          made.tenure.begin(parts)
        })
      const give = (gone: ReadonlyArray<number>) =>
        Effect.gen(function*() {
          yield* made.tenure.prepare(gone)
          yield* partitions.giveBack(gone)
          made.tenure.end(gone)
        })
      return { ...made, partitions, take, give }
    }),
    context
  )
})

type Pod = Effect.Success<ReturnType<typeof podAt>>

const all = Array.from({ length: partitionCount }, (_, partition) => partition)
const even = all.filter((partition) => partition % 2 === 0)
const odd = all.filter((partition) => partition % 2 === 1)

const name = SubscriptionName.make("s")

const isEven = (id: string): boolean => partitionOfId(id) % 2 === 0

/** All that a pod hands out now, acknowledged, by key in the order of the hand-out. */
const drained = (pod: Pod) =>
  Effect.gen(function*() {
    const taken = new Map<string, Array<number>>()
    while (true) { // Until nothing is left.
      const pulled = yield* pod.bus.pull(name, 100, 500)
      if (pulled.length === 0) return taken
      for (const { message: { key = "", payload } } of pulled) {
        taken.set(key, [...taken.get(key) ?? [], Number(payload)])
      }
      yield* pod.bus.ack(name, pulled.map(({ ackId }) => ackId))
    }
  })

const scoped = <A, E>(effect: (url: string) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.scoped(Effect.flatMap(newDatabase, effect))

const keys = 40

const publishTo = (pod: Pod, count: number, from = 0) =>
  Effect.forEach(
    Array.from({ length: count }, (_, at) => from + at),
    (at) =>
      Effect.map(
        Effect.result(pod.bus.publish(draft("t", at, { key: `k${at % keys}` }))),
        (result) => ({ at, result })
      )
  )

describe("partitions that change hands while buses run", () => {
  it.live("take with them what waits, in order, with its leases", () =>
    scoped((url) =>
      Effect.gen(function*() {
        const a = yield* podAt(url, "a")
        yield* a.take(all)
        yield* a.bus.createSubscription(name, options("t"))
        yield* publishTo(a, 200)
        const leased = yield* a.bus.pull(name, 30, 0)
        assert.lengthOf(leased, 30)
        const b = yield* podAt(url, "b")
        yield* a.give(even)
        yield* b.take(even)
        const movedIds = leased.filter(({ message }) => isEven(message.id))
        const keptIds = leased.filter(({ message }) => !isEven(message.id))
        assert.isAbove(movedIds.length, 0)
        assert.isAbove(keptIds.length, 0)
        // What a consumer has from the one is settled at the other.
        const moved = yield* b.bus.ack(name, movedIds.map(({ ackId }) => ackId))
        assert.deepStrictEqual(moved, { done: movedIds.length, unknown: [] })
        const foreign = yield* a.bus.ack(name, movedIds.map(({ ackId }) => ackId))
        assert.strictEqual(foreign.done, 0)
        const kept = yield* a.bus.ack(name, keptIds.map(({ ackId }) => ackId))
        assert.deepStrictEqual(kept, { done: keptIds.length, unknown: [] })
        const [fromA, fromB] = [yield* drained(a), yield* drained(b)]
        const settled = [...leased.map(({ message }) => Number(message.payload))]
        const rest = [...fromA.values(), ...fromB.values()]
        assert.deepStrictEqual(
          [...settled, ...rest.flat()].toSorted((x, y) => x - y),
          Array.from({ length: 200 }, (_, at) => at)
        )
        for (const one of rest) assert.deepStrictEqual(one, one.toSorted((x, y) => x - y))
        assert.strictEqual(a.bus.snapshot().subscriptions[0]?.pending, 0)
        assert.strictEqual(b.bus.snapshot().subscriptions[0]?.pending, 0)
      })
    ))

  it.live("refuse publishes where they are not, and take them where they are", () =>
    scoped((url) =>
      Effect.gen(function*() {
        const a = yield* podAt(url, "a")
        const b = yield* podAt(url, "b")
        yield* a.take(odd)
        yield* b.take(even)
        const toA = yield* publishTo(a, 80)
        const toB = yield* publishTo(b, 80)
        for (const { at, result } of toA) {
          const other = toB[at]?.result
          assert.strictEqual(result._tag === "Success", other?._tag === "Failure")
          if (result._tag === "Failure") assert.propertyVal(result.failure, "reason", "Fenced")
        }
      })
    ))

  it.live("take nothing before their bus has begun with them, so that nothing is overtaken", () =>
    scoped((url) =>
      Effect.gen(function*() {
        const a = yield* podAt(url, "a")
        const b = yield* podAt(url, "b")
        yield* a.take(all)
        yield* a.bus.createSubscription(name, options("t"))
        yield* publishTo(a, 5)
        yield* a.give(all)
        const { open, parts, subscriptions } = yield* b.partitions.take(all)
        yield* b.tenure.welcome(subscriptions)
        const early = yield* publishTo(b, 1, 100)
        assert.strictEqual(early[0]?.result._tag, "Failure")
        open()
        b.tenure.begin(parts)
        yield* publishTo(b, 5, 200)
        for (const taken of (yield* drained(b)).values()) {
          assert.deepStrictEqual(taken, taken.toSorted((x, y) => x - y))
        }
      })
    ))

  it.live("go back and forth with dead letters, delayed messages and idempotency keys", () =>
    scoped((url) =>
      Effect.gen(function*() {
        const a = yield* podAt(url, "a")
        const b = yield* podAt(url, "b")
        yield* a.take(all)
        yield* a.bus.createSubscription(name, options("t", { maxAttempts: 1 }))
        const first = yield* a.bus.publish(draft("t", 1, { idempotencyKey: "once" }))
        yield* a.bus.publish(draft("t", 2, { deliverAt: Date.now() + 3_000 }))
        const [bad] = yield* a.bus.pull(name, 1, 1_000)
        yield* a.bus.nack(name, [bad?.ackId ?? ""], 0)
        for (const [from, to] of [[a, b], [b, a], [a, b]] as const) {
          yield* from.give(all)
          yield* to.take(all)
          const { deadLetters } = to.bus.snapshot().subscriptions[0] ?? { deadLetters: -1 }
          assert.deepStrictEqual(
            [deadLetters, to.bus.snapshot().retention.delayed],
            [1, 1]
          )
          assert.strictEqual(from.bus.snapshot().retention.delayed, 0)
          assert.strictEqual(from.bus.snapshot().subscriptions[0]?.deadLetters ?? 0, 0)
        }
        const again = yield* b.bus.publish(draft("t", 1, { idempotencyKey: "once" }))
        assert.deepStrictEqual([again.duplicate, again.id], [true, first.id])
        assert.deepStrictEqual((yield* b.bus.replay({}, false)).replayed, 1)
        const replayed = yield* b.bus.pull(name, 1, 1_000)
        assert.deepStrictEqual(replayed.map(({ message }) => message.payload), ["1"])
        const delayed = yield* b.bus.pull(name, 1, 10_000)
        assert.deepStrictEqual(delayed.map(({ message }) => message.payload), ["2"])
      })
    ))

  it.live("end with their handlers, which the next owner runs again", () =>
    scoped((url) =>
      Effect.gen(function*() {
        const a = yield* podAt(url, "a")
        const b = yield* podAt(url, "b")
        yield* a.take(all)
        const ran: Array<string> = []
        const handle = (pod: Pod, who: string, hangs: boolean) =>
          pod.bus.handle(name, options("t"), ({ message }) => {
            ran.push(`${who}${message.payload}`)
            return hangs ? Effect.never : Effect.void
          })
        yield* handle(a, "a", true)
        yield* a.bus.publish(draft("t", 1))
        yield* Effect.sleep(200)
        yield* a.give(all)
        yield* b.take(all)
        yield* handle(b, "b", false)
        yield* Effect.sleep(500)
        assert.deepStrictEqual(ran, ["a1", "b1"])
        assert.strictEqual(b.bus.snapshot().subscriptions[0]?.pending, 0)
        assert.strictEqual(a.bus.snapshot().subscriptions[0]?.inFlight, 0)
      })
    ))

  it.live("that were taken by force leave the one before with nothing but refusals", () =>
    scoped((url) =>
      Effect.gen(function*() {
        const counts = new DatabaseCounts()
        const a = yield* Effect.provideService(podAt(url, "a"), databaseCounts, counts)
        const b = yield* podAt(url, "b")
        yield* a.take(all)
        yield* a.bus.createSubscription(name, options("t"))
        yield* publishTo(a, 20)
        assert.strictEqual(counts.staleCommits, 0)
        const leased = yield* a.bus.pull(name, 5, 0)
        yield* b.take(all) // As when it stood still for too long.
        const stale = yield* publishTo(a, 1, 900)
        assert.strictEqual(stale[0]?.result._tag, "Failure")
        const refused = yield* Effect.flip(a.bus.ack(name, leased.map(({ ackId }) => ackId)))
        assert.propertyVal(refused, "reason", "Fenced")
        assert.isAbove(counts.staleCommits, 0)
        a.tenure.end(all)
        const rest = yield* drained(b)
        assert.deepStrictEqual(
          [...rest.values()].flat().toSorted((x, y) => x - y),
          Array.from({ length: 20 }, (_, at) => at)
        )
      })
    ))
})
