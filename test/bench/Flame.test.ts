import { assert, describe, it } from "@effect/vitest"
import { pathToFileURL } from "node:url"
import { dearest, dearestGroups, readProfile } from "../../bench/flame/CpuProfile.ts"
import { flameGraph, sizeMax } from "../../bench/flame/FlameGraph.ts"
import { root } from "../../bench/load/Processes.ts"

const call = (id: number, functionName: string, url: string, children: Array<number> = []) => ({
  id,
  callFrame: { functionName, url, lineNumber: 9 },
  children
})

const file = (path: string) => pathToFileURL(`${root}/${path}`).href

const text = JSON.stringify({
  nodes: [
    call(1, "(root)", "", [2, 3, 6]),
    call(2, "publish", file("src/layers/bus/Publisher.ts"), [4, 5]),
    call(3, "(idle)", ""),
    call(4, "route<A>", file("src/layers/bus/Router.ts")),
    call(5, "(garbage collector)", ""),
    call(6, "load", "node:internal/modules/esm/loader", [7]),
    call(7, "evaluate", file("src/main.ts"))
  ],
  samples: [2, 4, 4, 5, 3, 7],
  timeDeltas: [100, 200, 400, 300, 5_000, 700]
})

describe("a flame graph", () => {
  it("names the steps that take most of the time by themselves, dearest first", () => {
    const all = readProfile(text)
    assert.deepStrictEqual(dearest(all).map(({ name, share }) => [name, share]), [
      ["route<A> (src/layers/bus/Router.ts:10)", 0.6],
      ["(garbage collector)", 0.3],
      ["publish (src/layers/bus/Publisher.ts:10)", 0.1]
    ])
    assert.deepStrictEqual(dearestGroups(all).map(({ name }) => name), [
      "layers/bus",
      "garbage collection"
    ])
  })
  it("leaves out idling and the loading of modules", () =>
    assert.strictEqual(readProfile(text).totalMicros, 1_000))
  it("is as wide as all of the time, and escapes what it names", () => {
    const picture = flameGraph("a < b", readProfile(text))
    assert.include(picture, "a &lt; b")
    assert.include(picture, "route&lt;A> src/layers/bus/Router.ts:10 60.0 %")
    assert.include(picture, "width=\"719.5\"")
  })
  it("leaves out what is narrow until it fits its size", () => {
    const many = Array.from({ length: 3_000 }, (_, at) => at + 2)
    const wide = JSON.stringify({
      nodes: [
        call(1, "(root)", "", many),
        ...many.map((id) => call(id, `step${id}`, file(`src/layers/bus/${"x".repeat(90)}${id}.ts`)))
      ],
      samples: many,
      timeDeltas: many.map((id) => id < 50 ? 100_000 : 2_000)
    })
    const picture = flameGraph("many", readProfile(wide), 0.01)
    assert.isAtMost(picture.length, sizeMax)
    assert.include(picture, "step2 ")
  })
})
