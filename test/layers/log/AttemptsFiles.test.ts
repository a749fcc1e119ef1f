import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { AttemptsFiles } from "../../../src/layers/log/AttemptsFiles.ts"
import type { Take } from "../../../src/services/MessageLog.ts"
import { directory } from "../../contracts/Directory.ts"

const take = (offset: number, attempt = 1): Take => ({
  incarnation: 3,
  logLane: 127,
  offset,
  attempt
})

const openAt = (path: string) =>
  Effect.acquireRelease(
    Effect.sync(() => new AttemptsFiles(path)),
    (files) => Effect.sync(() => files.close())
  )

/** What a process that opens the journal now finds of epoch `epoch`. */
const foundAt = (path: string, epoch: number) =>
  Effect.scoped(
    Effect.map(openAt(path), (files) => files.read(epoch).map(({ offset }) => offset).toSorted())
  )

describe("the attempts journal", () => {
  it.effect("keeps all hand-outs of its epoch, and none of another", () =>
    Effect.gen(function*() {
      const path = yield* directory
      const files = yield* openAt(path)
      files.reset(7)
      assert.isUndefined(files.note([take(1), take(2 ** 40, 9)]))
      files.note([take(2)])
      assert.deepStrictEqual(yield* foundAt(path, 7), [1, 2 ** 40, 2].toSorted())
      assert.deepStrictEqual(yield* foundAt(path, 8), [])
      assert.deepStrictEqual(files.read(7)[1], take(2 ** 40, 9))
    }))

  it.effect("forgets what a checkpoint covers when it is committed, and not before", () =>
    Effect.gen(function*() {
      const path = yield* directory
      const files = yield* openAt(path)
      files.reset(1)
      files.note([take(1)])
      const failing = files.checkpoint()
      files.note([take(2)])
      assert.isUndefined(files.checkpoint(), "one at a time")
      failing?.("Failed")
      assert.deepStrictEqual(yield* foundAt(path, 1), [1, 2])
      const committed = files.checkpoint()
      files.note([take(3)])
      committed?.("Committed")
      assert.include(yield* foundAt(path, 1), 3)
      assert.notInclude(yield* foundAt(path, 1), 2)
      const last = files.checkpoint()
      last?.("Committed")
      assert.deepStrictEqual(yield* foundAt(path, 1), [])
      files.note([take(4)])
      assert.deepStrictEqual(yield* foundAt(path, 1), [4])
    }))

  it.effect("ignores a torn write and what is behind it", () =>
    Effect.gen(function*() {
      const path = yield* directory
      const files = yield* openAt(path)
      files.reset(1)
      files.note([take(1)])
      files.note([take(2)])
      const bytes = fs.readFileSync(join(path, "attempts-a"))
      for (const at of [20 + 40 + 21, 20 + 40 + 5]) {
        const torn = Buffer.from(bytes)
        torn.writeUInt8(torn.readUInt8(at) ^ 0xff, at)
        fs.writeFileSync(join(path, "attempts-a"), torn)
        assert.deepStrictEqual(yield* foundAt(path, 1), [1])
      }
      fs.writeFileSync(join(path, "attempts-a"), Buffer.alloc(100, 0xff))
      assert.deepStrictEqual(yield* foundAt(path, 1), [])
    }))

  it.effect("takes its space at the start, so that a full disk cannot stop hand-outs", () =>
    Effect.gen(function*() {
      const path = yield* directory
      const files = yield* openAt(path)
      files.reset(1)
      const before = fs.statSync(join(path, "attempts-a"))
      files.note(Array.from({ length: 50_000 }, (_, n) => take(n)))
      const after = fs.statSync(join(path, "attempts-a"))
      assert.deepStrictEqual([after.size, after.blocks], [before.size, before.blocks])
      assert.isAtLeast(before.blocks * 512, before.size)
    }))

  it.effect("refuses hand-outs at its limit when checkpoints never end", () =>
    Effect.gen(function*() {
      const files = yield* openAt(yield* directory)
      files.reset(1)
      const many = Array.from({ length: 500_000 }, (_, n) => take(n))
      const refusals = Array.from({ length: 8 }, () => files.note(many)?.reason)
      assert.deepStrictEqual(refusals.slice(-2), ["Full", "Full"])
      assert.isUndefined(refusals[0])
      files.checkpoint()?.("Committed")
      assert.isUndefined(files.note([take(1)]))
    }))
})
