import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { MessageLog } from "../../../src/services/MessageLog.ts"
import { append } from "../../contracts/Append.ts"
import { delayedContract } from "../../contracts/DelayedContract.ts"
import { entryOf } from "../../contracts/LogSamples.ts"
import { messageLogContract } from "../../contracts/MessageLogContract.ts"

messageLogContract("MemoryLog", Effect.succeed({ log: MemoryLog.layer }))
delayedContract("MemoryLog", Effect.succeed({ log: MemoryLog.layer }))

it.effect("forgets settled messages, also behind one that stays pending for long", () =>
  Effect.gen(function*() {
    const log = yield* MessageLog
    const stuck = entryOf({ payload: "1" })
    yield* append(log, [stuck])
    for (let n = 0; n < 1_000; n++) {
      const entry = entryOf({ payload: "22" })
      yield* append(log, [entry])
      entry.pending = 0
      log.release(entry)
    }
    assert.isBelow(log.sizeBytes(), 1 + 2 * 100)
    assert.deepStrictEqual([log.first(1), log.head(1)], [0, 1_001])
    stuck.pending = 0
    log.release(stuck)
    assert.deepStrictEqual([log.first(1), log.sizeBytes()], [1_001, 0])
  }).pipe(Effect.provide(MemoryLog.layer)))

it.effect("behaviour 3: a message that nobody matches is accepted and leaves nothing behind", () =>
  Effect.gen(function*() {
    const log = yield* MessageLog
    const entries = Array.from({ length: 500 }, () => entryOf())
    yield* append(log, entries, () => entries.forEach((entry) => entry.pending = 0))
    assert.deepStrictEqual([log.head(1), log.first(1), log.sizeBytes()], [500, 500, 0])
  }).pipe(Effect.provide(MemoryLog.layer)))

it.effect("returns the very entries that were appended", () =>
  Effect.gen(function*() {
    const log = yield* MessageLog
    const entry = entryOf()
    yield* append(log, [entry])
    const { entries } = yield* log.scan({
      logLane: 1,
      from: 0,
      countMax: 1,
      bytesMax: 1,
      wants: () => true
    })
    assert.strictEqual(entries[0], entry)
  }).pipe(Effect.provide(MemoryLog.layer)))
