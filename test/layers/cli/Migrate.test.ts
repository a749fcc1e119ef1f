import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { runCli } from "./RunCli.ts"

describe("codefactory migrate", () => {
  it.effect("says what is missing with --plan, and what it ran without", () =>
    Effect.gen(function*() {
      const plan = yield* runCli(["migrate", "--plan"])
      assert.deepStrictEqual([plan.code, plan.out], [0, "missing: 1 log"])
      const run = yield* runCli(["migrate"])
      assert.deepStrictEqual([run.code, run.out], [0, "the schema is that of this version"])
    }))

  it.effect("--citus asks for the tables to be distributed, and says how they stand", () =>
    Effect.gen(function*() {
      const { out } = yield* runCli(["migrate", "--plan", "--citus"])
      assert.strictEqual(
        out,
        "missing: 1 log\nmissing: the tables are not distributed over Citus"
      )
    }))

  it.effect("--json is for programs", () =>
    Effect.gen(function*() {
      const { out } = yield* runCli(["migrate", "--plan", "--json"])
      assert.deepStrictEqual(JSON.parse(out), { migrations: [{ id: 1, name: "log" }] })
    }))
})
