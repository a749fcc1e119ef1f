import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import {
  globalOf,
  type Numbered,
  numbered,
  podOf,
  podsMax
} from "../../../../src/layers/ownership/apart/GlobalNumbers.ts"

/** A bus with these dead letters, by their own numbers. */
const busWith = (ids: ReadonlyArray<number>): Numbered => {
  const meant = (filter: { readonly ids?: ReadonlyArray<number> | undefined }) =>
    ids.filter((id) => filter.ids?.includes(id) ?? true)
  const none = () => Effect.die("not asked for")
  return {
    deadLetters: (filter, after, limit) =>
      Effect.succeed(
        meant(filter).filter((id) => id > after).slice(0, limit).map((id) => ({ id })) as never
      ),
    deleteDeadLetters: (filter) => Effect.succeed(meant(filter).length),
    replay: none,
    editDeadLetter: (id) => Effect.succeed({ id } as never),
    parked: { list: none, release: none, drop: none }
  }
}

const between = (minimum: number, maximum: number) =>
  Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const numbers = Schema.Array(between(0, 1_000_000)).check(Schema.isMaxLength(20))

describe("the numbers of all pods", () => {
  it.effect.prop("tell whose a row is, and page through those of all pods once each", {
    rows: Schema.Array(numbers).check(Schema.isMinLength(1), Schema.isMaxLength(4)),
    first: between(0, podsMax - 1),
    limit: between(1, 5)
  }, ({ first, limit, rows }) =>
    Effect.gen(function*() {
      const all = rows.map((some, n) => {
        const ids = [...new Set(some)]
        const pod = (first + n) % podsMax
        return { pod, ids, bus: numbered(busWith(ids.toSorted((a, b) => a - b)), () => pod) }
      })
      const expected = all.flatMap(({ ids, pod }) => ids.map((id) => globalOf(id, pod)))
        .toSorted((a, b) => a - b)
      const seen: Array<number> = []
      for (let after = -1;;) {
        const pages = yield* Effect.forEach(all, ({ bus }) => bus.deadLetters({}, after, limit))
        const page = pages.flat().map(({ id }) => id).toSorted((a, b) => a - b).slice(0, limit)
        seen.push(...page)
        const last = page.at(-1)
        if (last === undefined) break
        after = last
      }
      assert.deepStrictEqual(seen, expected)
      for (const { bus, ids, pod } of all) {
        assert.strictEqual(yield* bus.deleteDeadLetters({ ids: expected }), ids.length)
        for (const id of expected) {
          const edited = yield* Effect.result(bus.editDeadLetter(id, "1"))
          assert.strictEqual(edited._tag, podOf(id) === pod ? "Success" : "Failure")
        }
      }
    }))
})
