import { assert, it } from "@effect/vitest"
import { Duration, Effect, Layer, References } from "effect"
import { TestClock } from "effect/testing"
import * as BlockLog from "../../../src/layers/log/BlockLog.ts"
import { type LogEntry, MessageLog } from "../../../src/services/MessageLog.ts"
import { append } from "../../contracts/Append.ts"
import { delayedContract } from "../../contracts/DelayedContract.ts"
import { durableLogContract, failingLogContract } from "../../contracts/DurableLogContract.ts"
import { entryOf, everything, neededFrom, payloadsOf } from "../../contracts/LogSamples.ts"
import { messageLogContract } from "../../contracts/MessageLogContract.ts"
import { retentionContract } from "../../contracts/RetentionContract.ts"
import { noFaults, SimulatedDisk } from "../../simulation/SimulatedStore.ts"

const simulated = Effect.sync(() => {
  const disk = new SimulatedDisk()
  const log = Layer.suspend(() => BlockLog.layer(Duration.hours(1)).pipe(Layer.provide(disk.layer)))
  return {
    disk,
    log,
    afterKill: Effect.as(disk.crash("Killed"), Layer.fresh(log)),
    failNext: Effect.sync(() => disk.failNext("Io"))
  }
})

const name = "BlockLog over the simulated store"
messageLogContract(name, simulated)
delayedContract(name, simulated)
retentionContract(name, simulated)
durableLogContract(name, simulated)
failingLogContract(name, simulated)

it.effect("1,024 publishers at once: each lane is dense and in the order of the calls", () =>
  Effect.gen(function*() {
    const { log: layer } = yield* simulated
    yield* Effect.provide(
      MessageLog.use(Effect.fnUntraced(function*(log) {
        const called: Array<LogEntry> = []
        const committed: Array<LogEntry> = []
        const publish = (n: number) =>
          Effect.suspend(() => {
            const entry = entryOf({ logLane: n % 3, payload: `${n}` })
            called.push(entry)
            return append(log, [entry], () => committed.push(entry))
          })
        yield* Effect.forEach(
          Array.from({ length: 1_024 }, (_, n) => n),
          (n) => Effect.repeat(publish(n), { times: 3 }),
          { concurrency: "unbounded", discard: true }
        )
        assert.strictEqual(called.length, 4_096)
        for (const lane of [0, 1, 2]) {
          const inLane = called.filter(({ logLane }) => logLane === lane)
          assert.deepStrictEqual(inLane.map(({ offset }) => offset), [...inLane.keys()])
        }
        assert.deepStrictEqual(committed, called)
      })),
      layer
    )
  }))

it.effect("a transaction is limited; what is beyond goes into the next, in order", () =>
  Effect.gen(function*() {
    const { disk, log: layer } = yield* simulated
    yield* Effect.provide(
      MessageLog.use(Effect.fnUntraced(function*(log) {
        const mebibyte = "x".repeat(1_048_576)
        const large = Array.from({ length: 40 }, () => entryOf({ payload: mebibyte }))
        const small = Array.from(
          { length: 4 },
          () => Array.from({ length: 4_000 }, () => entryOf())
        )
        yield* Effect.forEach(
          [...large.map((entry) => [entry]), ...small],
          (entries) => append(log, entries),
          { concurrency: "unbounded" }
        )
        const sizes = disk.transactions.map(({ entries }) => entries)
        assert.deepStrictEqual(sizes, [16, 16, 8 + 8_000, 8_000])
        assert.strictEqual(log.head(1), 40 + 16_000)
        assert.deepStrictEqual(small.flat().map(({ offset }) => offset).at(-1), 40 + 16_000 - 1)
      })),
      layer
    )
  }))

it.effect("a narrow pattern reads only the blocks that hold what it wants", () =>
  Effect.gen(function*() {
    const { disk, log: layer } = yield* simulated
    yield* Effect.provide(
      MessageLog.use(Effect.fnUntraced(function*(log) {
        const many = Array.from(
          { length: 3_000 },
          (_, n) => entryOf({ topic: n === 2_500 ? "rare" : "common", payload: "x".repeat(20_000) })
        )
        for (let at = 0; at < many.length; at += 300) {
          yield* append(log, many.slice(at, at + 300))
        }
        disk.blocksRead = 0
        const { entries } = yield* log.scan({
          ...everything(1),
          wants: (topic) => topic === "rare"
        })
        assert.deepStrictEqual(entries.map(({ offset }) => offset), [2_500])
        assert.isAtMost(disk.blocksRead, 1)
        const { entries: first } = yield* log.scan(everything(1))
        assert.strictEqual(first.length, 52) // As many as fit into 1 MiB.
        assert.strictEqual(disk.blocksRead, 1)
      })),
      layer
    )
  }))

it.effect("a callback that throws stops nobody else", () =>
  Effect.gen(function*() {
    const { log: layer } = yield* simulated
    yield* Effect.provide(
      MessageLog.use(Effect.fnUntraced(function*(log) {
        log.append([entryOf()], () => {
          throw new Error("a bug of the caller")
        })
        log.append([entryOf()], () => () => {
          throw new Error("a bug of the caller")
        })
        yield* append(log, [entryOf()])
        assert.strictEqual(log.head(1), 3)
      })),
      layer
    )
  }).pipe(Effect.provideService(References.MinimumLogLevel, "None")))

it.effect("pitfall 41: killed while it deletes, a log has deleted all of it or nothing", () =>
  Effect.gen(function*() {
    const seen = new Set<number>()
    for (let killedAt = 0; killedAt <= 10; killedAt++) { // Milliseconds into the deletion.
      const { afterKill, disk, log: layer } = yield* simulated
      const found = yield* Effect.provide(
        MessageLog.use(Effect.fnUntraced(function*(log) {
          for (const n of [0, 1, 2]) yield* append(log, [entryOf({ payload: `${n}` })])
          disk.faults = { delayMsMax: 4, failing: 0 }
          yield* Effect.forkDetach(
            log.truncate({
              needed: neededFrom(log.head, { 1: 2 }),
              olderThan: Number.POSITIVE_INFINITY,
              bytesMax: 0
            }),
            { startImmediately: true }
          )
          yield* TestClock.adjust(killedAt)
          const killed = yield* afterKill
          disk.faults = noFaults
          return killed
        })),
        layer
      )
      yield* Effect.provide(
        MessageLog.use(Effect.fnUntraced(function*(log) {
          const { damaged, entries } = yield* log.scan(everything(1))
          const first = log.first(1)
          seen.add(first)
          assert.deepStrictEqual(payloadsOf(entries), ["0", "1", "2"].slice(first))
          assert.deepStrictEqual([damaged, log.head(1)], [[], 3])
        })),
        found
      )
    }
    assert.deepStrictEqual([...seen].toSorted(), [0, 2])
  }))

it.effect("a deletion that fails is made up for by the next one", () =>
  Effect.gen(function*() {
    const { disk, failNext, log: layer } = yield* simulated
    yield* Effect.provide(
      MessageLog.use(Effect.fnUntraced(function*(log) {
        for (const n of [0, 1, 2]) yield* append(log, [entryOf({ payload: `${n}` })])
        const request = {
          needed: neededFrom(log.head, { 1: 2 }),
          olderThan: Number.POSITIVE_INFINITY,
          bytesMax: 0
        }
        yield* failNext
        assert.strictEqual((yield* Effect.flip(log.truncate(request))).reason, "Io")
        assert.deepStrictEqual([disk.blocksDeleted, log.first(1)], [0, 2])
        yield* log.truncate(request)
        assert.strictEqual(disk.blocksDeleted, 2)
        assert.deepStrictEqual(payloadsOf((yield* log.scan(everything(1))).entries), ["2"])
      })),
      layer
    )
  }))
