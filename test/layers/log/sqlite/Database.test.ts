import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { BlockWriter } from "../../../../src/layers/log/BlockCodec.ts"
import { Database } from "../../../../src/layers/log/sqlite/Database.ts"
import { directory } from "../../../contracts/Directory.ts"
import { entryOf } from "../../../contracts/LogSamples.ts"

it.effect("a block that a failed commit may have left behind never comes back", () =>
  Effect.gen(function*() {
    const database = new Database({ directory: yield* directory, pagesMax: 60 })
    database.open()
    yield* Effect.addFinalizer(() => Effect.sync(() => database.close()))
    const writer = new BlockWriter()
    const blockOf = (seq: number, payload: string) =>
      writer.write(seq, [entryOf({ payload })], () => seq)
    const store = (seq: number, payload: string) =>
      database.transact({ seq, block: blockOf(seq, payload), changes: [] })
    store(1, "1")
    store(2, "2") // The log was told that this one failed, and gives its number out again,
    assert.throws(() => store(3, "x".repeat(1_000_000)), /full/)
    store(2, "3") // here.
    const { blocks, count } = database.readBlocks([1, 2, 3])
    assert.deepStrictEqual([blocks.map(({ seq }) => seq), count], [[1, 2], 3])
    assert.include(Buffer.from(blocks[1]?.bodies ?? []).toString("latin1"), "3")
    assert.deepStrictEqual(database.headers(0).seqs, [1, 2])
  }))
