/**
 * The examples of embedding run as the README shows them, and say what they should.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { root, runToEnd, temporaryFolder } from "../integration/Service.ts"

const example = (name: string, ...args: ReadonlyArray<string>) =>
  runToEnd([
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    join(root, "examples", "embedded", name),
    ...args
  ])

describe("the embedding examples", () => {
  it.live("an Effect program handles a typed topic and is refused what is not a topic", () =>
    Effect.gen(function*() {
      const { code, err, out } = yield* example("effect.ts")
      assert.strictEqual(err, "")
      assert.sameMembers(out.trim().split("\n"), [
        "accepted: orders.created, durability memory",
        "billing: A-1 for 12.5, attempt 1",
        "refused: MessageInvalid"
      ])
      assert.strictEqual(code, 0)
    }))

  it.live("a program without Effect publishes durably, handles it once, and closes", () =>
    Effect.gen(function*() {
      const folder = join(yield* temporaryFolder, "data")
      for (const _ of ["a new folder", "the same folder"]) {
        const { code, err, out } = yield* example("promise.ts", folder)
        assert.strictEqual(err, "")
        assert.sameMembers(out.trim().split("\n"), [
          "accepted: durability local, duplicate false",
          "mailer: {\"name\":\"Ada\"} from users.eu.created"
        ])
        assert.strictEqual(code, 0)
      }
    }))

  it.live("a hook refuses, a context travels, a request gets its reply, a plugin its prefix", () =>
    Effect.gen(function*() {
      const { code, err, out } = yield* example("requests.ts")
      assert.strictEqual(err, "")
      assert.sameMembers(out.trim().split("\n"), [
        "billed: {\"id\":\"A-1\",\"amount\":12.5} for acme",
        "reply: {\"tenant\":\"acme\",\"payable\":true}",
        "the hook amounts refused the message: no amount",
        "nobody replied on plugin.shop.stock within 50 ms"
      ])
      assert.strictEqual(code, 0)
    }))
})
