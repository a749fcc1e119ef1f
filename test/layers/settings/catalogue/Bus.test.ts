import { assert, describe, it } from "@effect/vitest"
import { bus } from "../../../../src/layers/settings/catalogue/Bus.ts"
import { make } from "../../../../src/layers/settings/Reader.ts"

const gibibyte = 2 ** 30

/** The settings of shards on a machine with so much memory, with these variables. */
const onMachine = (memoryBytes: number, variables: Readonly<Record<string, string>> = {}) =>
  bus(
    make(
      new Map(
        Object.entries(variables).map(([name, text]) => [name, { text, source: "environment" }])
      )
    ),
    { memoryBytes, cores: 2 }
  )

describe("defaults that follow the memory of the machine", () => {
  it("P11: idempotency keys take a tenth of it at most, and are a million at most", () => {
    assert.strictEqual(onMachine(64 * gibibyte).dedupKeysMax, 1_000_000)
    assert.strictEqual(onMachine(gibibyte / 2).dedupKeysMax, 104_857)
    assert.strictEqual(onMachine(gibibyte / 2, { DEDUP_KEYS_MAX: "7" }).dedupKeysMax, 7)
  })

  it("P8: all shards together take a quarter of it at most, each 64 MiB at most", () => {
    assert.strictEqual(onMachine(64 * gibibyte).shardBytesMax, 64 * 1_048_576)
    assert.strictEqual(onMachine(gibibyte / 2).shardBytesMax, gibibyte / 2 / 4 / 8)
  })
})
