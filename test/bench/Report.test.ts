import { assert, describe, it } from "@effect/vitest"
import { judge } from "../../bench/report/Aims.ts"
import { plot } from "../../bench/report/Plot.ts"
import { report } from "../../bench/report/Report.ts"
import { decode, encode, type Results } from "../../bench/report/Results.ts"
import type { Workload } from "../../bench/Workload.ts"

const race: Workload = {
  name: "race",
  title: "A race",
  unit: "laps",
  note: "Three run.",
  aims: [
    {
      contender: "bus",
      measure: "perSecond",
      bound: "at least",
      value: 1.3,
      of: ["hare", "snail"],
      inTheWay: (of) =>
        `the hare runs ${of("hare", "perSecond")}, elsewhere ${of("hare", "perSecond", "absent")}.`
    },
    {
      contender: "bus",
      measure: "p99",
      bound: "at most",
      value: 1,
      inTheWay: () => "nothing; it is not missed."
    }
  ],
  isolated: false,
  contenders: []
}
const absent: Workload = { ...race, name: "absent", title: "Not run", aims: [] }

const summaries = [
  { name: "hare", kept: "nothing", values: { perSecond: 1_000, p99: 2 } },
  { name: "snail", kept: "nothing", values: { perSecond: 1, p99: 900 } },
  { name: "bus", kept: "in memory", values: { perSecond: 1_200, p99: 0.5 } }
] as const

const results: Results = {
  of: { machine: "an abacus", date: "2026-01-01", rounds: 5 },
  lines: [
    ...summaries.map((summary) => ({ workload: "race", ...summary })),
    { workload: "absent", skipped: "no legs" }
  ]
}

describe("the report of the benchmark", () => {
  it("holds an aim against the best of its peers, or against a value of its own", () => {
    const [rate, latency] = judge(race, summaries)
    assert.strictEqual(rate?.measured, 1.2)
    assert.isFalse(rate?.reached)
    assert.strictEqual(latency?.measured, 0.5)
    assert.isTrue(latency?.reached)
  })
  it("takes a figure that is missing for an aim that is missed", () => {
    assert.isFalse(judge(race, summaries.slice(0, 2)).some(({ reached }) => reached))
  })
  it("states the machine, what is kept, and what became of each aim", () => {
    const text = report([race, absent], results, [])
    assert.include(text, "Machine: an abacus. Date: 2026-01-01.")
    assert.include(text, "| bus | in memory | 1,200 | 0.5 | 1.2 |")
    assert.include(text, "hare, snail | in memory | 1.2 | **missed** |")
    assert.include(text, "bus: p99 ms at most 1 | in memory | 0.5 | reached |")
    assert.include(text, "![A race](plots/race.svg)")
  })
  it("says what stands in the way of an aim that is missed, with figures of the run", () => {
    const text = report([race, absent], results, [])
    assert.include(text, "**missed**. In the way: the hare runs 1,000, elsewhere (not measured).")
    assert.notInclude(text, "nothing; it is not missed")
  })
  it("says of a workload that could not run why", () => {
    const text = report([race, absent], results, [])
    assert.include(text, "Skipped: no legs.")
    assert.notInclude(text, "plots/absent.svg")
  })
  it("is made from the lines that are kept", () =>
    assert.deepStrictEqual(decode(encode(results)), results))
  it("draws a bar for each contender, and a line for what grows", () => {
    assert.strictEqual(plot(race, summaries).split("<rect").length - 1, 1 + 3)
    const grown = summaries.map((one, at) => ({ ...one, x: at === 0 ? 0 : 10 ** at }))
    const lines = plot({ ...race, axis: "legs" }, grown)
    assert.include(lines, "<polyline")
    assert.notInclude(lines, "NaN")
  })
})
