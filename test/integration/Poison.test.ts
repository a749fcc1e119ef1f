/**
 * Handlers that fail in every way, in a program of its own.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import type { PoisonReport } from "./fixtures/poison.ts"
import { runToEnd, temporaryFolder } from "./Service.ts"

const program = join(import.meta.dirname, "fixtures", "poison.ts")

const poisons = [
  "fail",
  "failWithNothing",
  "die",
  "interrupt",
  "throwInside",
  "throwBefore",
  "rejectInside",
  "never",
  "throw",
  "reject",
  "rejectLater",
  "rejectWithNothing"
]

describe("poison", () => {
  it.live(
    "F11: is dead after exactly 4 attempts, holds back its own key alone, and ends no process",
    () =>
      Effect.gen(function*() {
        const ended = yield* runToEnd([process.execPath, program, yield* temporaryFolder])
        assert.strictEqual(ended.code, 0, ended.err)
        const report: PoisonReport = JSON.parse(ended.out.trim().split("\n").at(-1) ?? "")
        assert.deepStrictEqual(report.unhandled, [])
        assert.sameMembers(report.deadLetters.map(({ name }) => name), poisons)
        for (const { attempts, name } of report.deadLetters) {
          assert.strictEqual(attempts, 4, String(name))
        }
        const begun = new Map<string, Array<number>>()
        const ends = new Map<string, number>()
        report.events.forEach(({ attempt, name, what }, at) => {
          if (what === "begin") begun.set(name, [...begun.get(name) ?? [], attempt])
          else ends.set(name, at)
        })
        for (const kind of poisons) {
          assert.deepStrictEqual(begun.get(kind), [1, 2, 3, 4], kind)
          assert.deepStrictEqual(begun.get(`behind ${kind}`), [1], kind)
          const last = report.events.findLastIndex(({ name }) => name === kind)
          assert.isAbove(ends.get(`behind ${kind}`) ?? -1, last, `${kind} holds its key`)
        }
        const others = [...ends.keys()].filter((name) => /^(effects|promises) \d+$/.test(name))
        assert.strictEqual(others.length, 200)
        // It hangs for a second each time: nobody waits for that.
        const hanging = report.events.findIndex((e) => e.name === "never" && e.attempt === 4)
        for (const name of others) {
          assert.deepStrictEqual(begun.get(name), [1], name)
          assert.isBelow(ends.get(name) ?? Infinity, hanging, `${name} waits for nobody`)
        }
      })
  )
})
