import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ExecutionContext from "../../src/services/ExecutionContext.ts"

const { cleared, copy, current, withValues } = ExecutionContext

describe("the execution context of a fibre", () => {
  it.effect("is empty unless set; set merges and overwrites, clear empties (behaviour 42)", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* current, {})
      const inner = Effect.gen(function*() {
        assert.deepStrictEqual(yield* current, { a: "1", b: "3", c: "4" })
        assert.deepStrictEqual(yield* cleared(current), {})
        assert.deepStrictEqual(yield* cleared(cleared(current)), {})
        assert.deepStrictEqual(yield* cleared(withValues({ z: "9" })(current)), { z: "9" })
        return yield* current
      })
      const seen = yield* withValues({ a: "1", b: "2" })(withValues({ b: "3", c: "4" })(inner))
      assert.deepStrictEqual(seen, { a: "1", b: "3", c: "4" })
      assert.deepStrictEqual(yield* current, {})
    }))

  it.effect("a copy may be changed and changes nothing else (behaviour 43)", () =>
    withValues({ a: "1" })(Effect.gen(function*() {
      const copied = yield* copy
      copied["a"] = "2"
      copied["b"] = "3"
      assert.deepStrictEqual(yield* current, { a: "1" })
    })))

  it.effect("is as before after a failure, and fibres do not see each other's (behaviour 45)", () =>
    Effect.gen(function*() {
      yield* Effect.exit(withValues({ a: "1" })(Effect.die("boom")))
      yield* Effect.exit(withValues({ a: "1" })(Effect.fail("no")))
      assert.deepStrictEqual(yield* current, {})
      const seen = yield* Effect.forEach(
        ["x", "y", "z"],
        (tenant) => withValues({ tenant })(Effect.andThen(Effect.yieldNow, current)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(seen, [{ tenant: "x" }, { tenant: "y" }, { tenant: "z" }])
    }))

  it.effect("values that are too many are refused and nothing runs", () =>
    Effect.gen(function*() {
      const many = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`${n}`, ""]))
      const refused = yield* Effect.flip(withValues(many)(Effect.die("it ran")))
      assert.deepStrictEqual([refused._tag, refused.field], ["MessageInvalid", "context"])
    }))
})
