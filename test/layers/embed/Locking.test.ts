import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { LeaseHeld, LeaseInvalid, open } from "../../../src/CodeFactory.ts"

/** What a promise rejects with. */
const rejection = (promise: Promise<unknown>) => promise.then(() => undefined, (error) => error)

describe("a lock of a program without Effect", () => {
  it.live("is held by one function at a time, and given back when it ends or fails", () =>
    Effect.promise(async () => {
      await using bus = await open({ profile: "memory" })
      const tokens: Array<number> = []
      const inner = await bus.withLock("nightly", async ({ fencingToken, signal }) => {
        tokens.push(fencingToken)
        assert.isFalse(signal.aborted)
        return await rejection(bus.withLock("nightly", () => "never"))
      })
      assert.instanceOf(inner, LeaseHeld)
      const failed = await rejection(bus.withLock("nightly", () => {
        throw new Error("no paper")
      }))
      assert.strictEqual(failed?.message, "no paper")
      const done = await bus.withLock("nightly", ({ fencingToken }) => {
        tokens.push(fencingToken)
        return "done"
      })
      assert.strictEqual(done, "done")
      assert.isAbove(tokens[1] ?? 0, tokens[0] ?? 0)
    }))

  it.live("whoever waits gets it when it is free", () =>
    Effect.promise(async () => {
      await using bus = await open({ profile: "memory" })
      const order: Array<string> = []
      const first = bus.withLock("nightly", async () => {
        await new Promise((resolve) => setTimeout(resolve, 100))
        order.push("first")
      })
      const second = bus.withLock("nightly", () => order.push("second"), { waitMs: 10_000 })
      await Promise.all([first, second])
      assert.deepStrictEqual(order, ["first", "second"])
    }))

  it.live("a name or a time that no lock can have is refused by field (behaviour 81)", () =>
    Effect.promise(async () => {
      await using bus = await open({ profile: "memory" })
      const blank = await rejection(bus.withLock(" ", () => 1))
      assert.instanceOf(blank, LeaseInvalid)
      assert.strictEqual(blank.field, "name")
      const brief = await rejection(bus.withLock("nightly", () => 1, { leaseMs: 999 }))
      assert.strictEqual(brief.field, "leaseMs")
    }))
})
