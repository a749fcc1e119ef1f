import { assert, it } from "@effect/vitest"
import { BlockHeader, BlockWriter } from "../../../src/layers/log/BlockCodec.ts"
import { BlockIndex } from "../../../src/layers/log/BlockIndex.ts"
import { entryOf } from "../../contracts/LogSamples.ts"

it("the names of topics go with the last of their messages, and others take their place", () => {
  const index = new BlockIndex(0)
  const { directory } = index
  const put = (topic: string): void => {
    const { header } = new BlockWriter().write(
      index.nextBlock,
      [entryOf({ topic }), entryOf({ topic, logLane: 3 })],
      index.head
    )
    index.addAll(index.nextBlock, new BlockHeader(header))
  }
  const found = (topic: string) =>
    directory.select({
      logLane: 1,
      from: 0,
      to: 1_000,
      count: 10,
      bytes: 1_000,
      atLeastOne: true,
      wants: (name) => name === topic
    }).places.map(({ offset }) => offset)
  for (let n = 0; n < 100; n++) put(`t${n}`)
  assert.strictEqual(directory.topics, 100)
  directory.raiseFirst(1, 99)
  assert.strictEqual(directory.topics, 100) // The other lane has them yet.
  directory.raiseFirst(3, 98)
  assert.strictEqual(directory.topics, 2)
  for (let n = 0; n < 98; n++) put(`again${n}`)
  put("t99")
  assert.strictEqual(directory.topics, 100)
  assert.deepStrictEqual([found("t99"), found("t3"), found("again97")], [[99, 198], [], [197]])
  directory.raiseFirst(1, 1_000)
  directory.raiseFirst(3, 1_000)
  assert.strictEqual(directory.topics, 0)
})
