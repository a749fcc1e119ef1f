import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { parseKeys } from "../../../src/layers/keys/KeyFile.ts"
import { makeKeyRing } from "../../../src/layers/keys/KeyRing.ts"
import { bearer, keyOf } from "../../edge/Keys.ts"
import { servedBehind } from "../../edge/Served.ts"
import { runCli } from "./RunCli.ts"

describe("codefactory key", () => {
  it.live("makes a key that its entry in the file lets in", () =>
    Effect.gen(function*() {
      const { code, out } = yield* runCli(["key", "--id", "ci", "--topics", "orders.>,a.*"])
      assert.strictEqual(code, 0)
      const [, key = "", , line = ""] = out.split("\n").map((text) => text.trim())
      const ring = makeKeyRing(Result.getOrThrow(parseKeys(`[${line}]`)))
      const grant = ring.verify(key)
      assert.strictEqual(grant?.id, "ci")
      assert.isTrue(grant?.allows("publish"))
      assert.isFalse(grant?.allows("admin"))
      assert.isTrue(grant?.reaches("a.b"))
      assert.isFalse(grant?.reaches("b"))
      const other = JSON.parse((yield* runCli(["key", "--json"])).out)
      assert.isDefined(
        makeKeyRing(Result.getOrThrow(parseKeys(JSON.stringify([other.entry])))).verify(other.key)
      )
      assert.notInclude(JSON.stringify(other.entry), other.key.split(".")[1])
    }))

  it.live("refuses actions and patterns that are none", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* runCli(["key", "--actions", "fly"])).code, 2)
      assert.strictEqual((yield* runCli(["key", "--topics", "a.>.b"])).code, 2)
    }))
})

describe("a bus that needs a key", () => {
  it.live("is used with --api-key, and says what is wrong without", () =>
    Effect.gen(function*() {
      const { fake, url } = yield* servedBehind({ keys: [keyOf("k", ["publish"], [">"])] })
      const publish = (...more: ReadonlyArray<string>) =>
        runCli(["publish", "orders.new", "1", "--url", url, ...more])
      const without = yield* publish()
      assert.strictEqual(without.code, 1)
      assert.include(without.err, "Credential required")
      const key = bearer("k").authorization.slice("Bearer ".length)
      assert.strictEqual((yield* publish("--api-key", key)).code, 0)
      assert.lengthOf(fake.stored, 1)
    }))
})
