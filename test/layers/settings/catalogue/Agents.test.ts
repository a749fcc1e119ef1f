import { assert, describe, it } from "@effect/vitest"
import { agents } from "../../../../src/layers/settings/catalogue/Agents.ts"
import { make } from "../../../../src/layers/settings/Reader.ts"

const onCores = (cores: number) => agents(make(new Map()), { memoryBytes: 2 ** 32, cores })

describe("the settings of agents", () => {
  it("leave one core to the main thread, have at least one thread and at most the limit", () => {
    const threads = [1, 2, 8, 500].map((cores) => onCores(cores).executorThreads)
    assert.deepStrictEqual(threads, [1, 1, 7, 64])
  })
})
