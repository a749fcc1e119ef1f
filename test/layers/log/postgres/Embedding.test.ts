import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { create, open, OptionsInvalid } from "../../../../src/CodeFactory.ts"
import { databases } from "../../../servers/Databases.ts"

const { newDatabase } = databases()

describe("a program that embeds the bus over PostgreSQL", () => {
  it.live("gets messages that were published before it was started again", () =>
    Effect.gen(function*() {
      const databaseUrl = yield* newDatabase
      yield* Effect.promise(async () => {
        const first = await open({ databaseUrl })
        const { durability } = await first.publish("orders.paid", { id: 1 }, { key: "k" })
        assert.strictEqual(durability, "local")
        await first.close()
      })
      const seen = yield* Effect.promise(async () => {
        await using second = await open({ databaseUrl })
        return await new Promise<unknown>((resolve) => {
          void second.handle("late", "orders.>", (payload) => resolve(payload), {
            from: "earliest"
          })
        })
      })
      assert.deepStrictEqual(seen, { id: 1 })
    }))

  it.live("is told when the address is none", () =>
    Effect.promise(async () => {
      const error = await create({ databaseUrl: "mysql://host" }).start().catch((e: unknown) => e)
      assert.instanceOf(error, OptionsInvalid)
    }))
})
