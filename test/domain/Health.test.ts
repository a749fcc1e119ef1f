import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type Finding, healthPolicy, judge, unknown } from "../../src/domain/Health.ts"

const finding = (isWell: boolean, component = "log"): Finding => ({
  component,
  isWell,
  detail: isWell ? "fine" : "broken"
})

/** The kinds of verdicts of each look, a minute apart. */
const judged = (looks: ReadonlyArray<ReadonlyArray<Finding>>) => {
  let health = unknown
  return looks.map((findings, at) => {
    const result = judge(health, findings, at * 60_000, healthPolicy)
    health = result.health
    return result.verdicts.map(({ component, isHealed, kind }) => ({ component, kind, isHealed }))
  })
}

describe("health", () => {
  it("pitfall 30: five bad looks in a row are one alert and one healing, whatever follows", () => {
    const all = judged(Array.from({ length: 20 }, () => [finding(false)]))
    const alert = { component: "log", kind: "Alert", isHealed: true }
    assert.deepStrictEqual(all, Array.from({ length: 20 }, (_, at) => at === 4 ? [alert] : []))
  })

  it("one good look begins the count anew, two end an alert", () => {
    const looks = [false, false, false, false, true, false, false, false, false, false, true]
    const all = judged([...looks, false, true, true, true].map((isWell) => [finding(isWell)]))
    const told = all.flatMap((verdicts, at) => verdicts.map(({ kind }) => [at, kind]))
    assert.deepStrictEqual(told, [[9, "Alert"], [13, "Recovered"]])
  })

  it("heals no more often within an hour than it may, and says so", () => {
    const all = judged(
      Array.from(
        { length: 5 },
        () => Array.from({ length: 20 }, (_, shard) => finding(false, `shard ${shard}`))
      )
    )
    const verdicts = all.flat()
    assert.lengthOf(verdicts, 20)
    assert.lengthOf(verdicts.filter(({ isHealed }) => isHealed), healthPolicy.healingsPerHour)
  })

  it("forgets what is not there any more", () => {
    const { health } = judge(unknown, [finding(false, "shard 9")], 0, healthPolicy)
    assert.strictEqual(judge(health, [finding(true)], 1, healthPolicy).health.conditions.size, 1)
  })

  it.effect.prop("alerts and recoveries alternate", {
    looks: Schema.Array(Schema.Boolean).check(Schema.isMaxLength(200))
  }, ({ looks }) =>
    Effect.sync(() => {
      const kinds = judged(looks.map((isWell) => [finding(isWell)])).flat().map(({ kind }) => kind)
      kinds.forEach((kind, at) => assert.strictEqual(kind, at % 2 === 0 ? "Alert" : "Recovered"))
    }))
})
