import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { createHash } from "node:crypto"
import { layer } from "../../../src/layers/keys/FileKeys.ts"
import { fileBytesMax, parseKeys } from "../../../src/layers/keys/KeyFile.ts"
import { makeKeyRing } from "../../../src/layers/keys/KeyRing.ts"
import { ApiKeys } from "../../../src/services/ApiKeys.ts"

const hash = (secret: string) => createHash("sha256").update(secret).digest("hex")
const entry = (id: string, secret: string, more: object = {}) => ({
  id,
  sha256: hash(secret),
  actions: ["publish"],
  topics: ["orders.>"],
  ...more
})

/** Where the faults of a file are. */
const faultsOf = (value: unknown) => {
  const parsed = parseKeys(typeof value === "string" ? value : JSON.stringify(value))
  return Result.isFailure(parsed) ? parsed.failure.map(({ where }) => where) : []
}

describe("a keys file", () => {
  it("is refused with all of its faults by place, and shows nothing of its values", () => {
    const file = [
      entry("a", "x"),
      { ...entry("b.c", "hunter2"), sha256: "hunter2" },
      { ...entry("d", "x"), actions: ["publish", "destroy"], topics: [] },
      { ...entry("e", "x"), topics: ["a.>.b"], maxRequests: -1, secret: "hunter2" },
      { id: "f" }
    ]
    assert.deepStrictEqual(faultsOf(file), [
      "[1].id",
      "[1].sha256",
      "[2].actions[1]",
      "[2].topics[0]",
      "[3].secret",
      "[3].topics[0]",
      "[3].maxRequests",
      "[4].sha256",
      "[4].actions",
      "[4].topics"
    ])
    const parsed = parseKeys(JSON.stringify(file))
    assert.notInclude(JSON.stringify(parsed), "hunter2")
    assert.notInclude(JSON.stringify(parsed), "destroy")
  })

  it("is refused as a whole when it is no array, too long, or names an id twice", () => {
    for (const text of ["", "{", "{}", "null", "[[]"]) {
      assert.deepStrictEqual(faultsOf(text), ["the file"], text)
    }
    assert.deepStrictEqual(faultsOf([entry("a", "x"), entry("b", "x"), entry("a", "y")]), [
      "[2].id"
    ])
    const many = (count: number) => Array.from({ length: count }, (_, n) => entry(`k${n}`, "x"))
    assert.deepStrictEqual(faultsOf(many(10_000)), [])
    assert.deepStrictEqual(faultsOf(many(10_001)), ["the file"])
  })
})

describe("a key ring", () => {
  const parsed = Result.getOrThrow(
    parseKeys(JSON.stringify([entry("a", "s.e.c"), entry("b", "b")]))
  )
  const { verify } = makeKeyRing(parsed)

  it("gives what a key allows for its id and secret alone", () => {
    assert.strictEqual(verify("a.s.e.c")?.id, "a")
    assert.isTrue(verify("b.b")?.reaches("orders.new"))
    for (const wrong of ["", ".", "a", "a.", "a.s.e", "b.s.e.c", "c.b", "a s.e.c", ".b", "B.b"]) {
      assert.isUndefined(verify(wrong), wrong)
    }
    assert.isUndefined(verify(`b.${"b".repeat(1_000_000)}`))
    for (const name of ["__proto__", "constructor", "toString"]) {
      assert.isUndefined(verify(`${name}.b`))
    }
  })
})

/** A keys file and the service over it. */
const started = Effect.fnUntraced(function*(keys: unknown) {
  const files = yield* FileSystem.FileSystem
  yield* files.makeDirectory(".run", { recursive: true })
  const path = yield* files.makeTempFileScoped({ directory: ".run" })
  const write = (value: unknown) => files.writeFileString(path, JSON.stringify(value))
  yield* write(keys)
  const context = yield* Layer.build(layer(path))
  const service = yield* Effect.provide(ApiKeys, context)
  return { path, files, write, service }
})

/** Lets the file be looked at, and waits until the counts are as wanted; the file is a real one. */
const lookUntil = (holds: () => boolean) =>
  Effect.andThen(
    TestClock.adjust("2 seconds"),
    Effect.repeat(Effect.promise(() => new Promise((done) => setImmediate(done))), { until: holds })
  )

describe("keys from a file", () => {
  it.effect("a change is in force at the next look, within 5 s", () =>
    Effect.gen(function*() {
      const { service, write } = yield* started([entry("a", "x")])
      assert.isTrue(service.required)
      assert.isDefined(service.verify("a.x"))
      yield* write([entry("b", "longer secret"), entry("c", "y")])
      yield* lookUntil(() => service.counts().reloads === 1)
      assert.isUndefined(service.verify("a.x"))
      assert.isDefined(service.verify("c.y"))
      assert.strictEqual(service.counts().keys, 2)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.effect("a grant is in force as long as its key is there and allows the same", () =>
    Effect.gen(function*() {
      const { service, write } = yield* started([entry("a", "x"), entry("b", "x")])
      const [a, b] = [service.verify("a.x"), service.verify("b.x")]
      assert.isDefined(a)
      assert.isDefined(b)
      const seen: Array<boolean> = []
      service.onChange(() => seen.push(service.isCurrent(a), service.isCurrent(b)))
      yield* write([entry("b", "x"), entry("a", "x", { topics: ["other"] })])
      yield* lookUntil(() => service.counts().reloads === 1)
      assert.deepStrictEqual(seen, [false, true])
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.effect("a file that replaces it, or comes back after it was gone, is taken too", () =>
    Effect.gen(function*() {
      const { files, path, service } = yield* started([entry("a", "x")])
      yield* files.writeFileString(`${path}.new`, JSON.stringify([entry("b", "x")]))
      yield* files.rename(`${path}.new`, path)
      yield* lookUntil(() => service.counts().reloads === 1)
      assert.isDefined(service.verify("b.x"))
      yield* files.remove(path)
      yield* lookUntil(() => service.counts().stale)
      assert.isDefined(service.verify("b.x"))
      yield* files.writeFileString(path, JSON.stringify([entry("c", "x")]))
      yield* lookUntil(() => service.counts().reloads === 2)
      assert.isDefined(service.verify("c.x"))
      assert.isFalse(service.counts().stale)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.effect("an unusable change leaves the former keys in force, and is counted once", () =>
    Effect.gen(function*() {
      const { service, write } = yield* started([entry("a", "x")])
      yield* write([{ id: "b" }])
      yield* lookUntil(() => service.counts().stale)
      assert.isDefined(service.verify("a.x"))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(service.counts(), {
        keys: 1,
        reloads: 0,
        reloadFailures: 1,
        stale: true
      })
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.effect("one that is not usable at the start is an illegal setting, with every fault", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        started([{ ...entry("a", "x"), topics: ["!"] }, { id: "b" }])
      )
      assert.strictEqual(error._tag, "SettingsInvalid")
      const issues = "issues" in error ? error.issues : []
      assert.deepStrictEqual(issues.map(({ name }) => name), Array(4).fill("API_KEYS_FILE"))
      const missing = yield* Effect.flip(Effect.scoped(Layer.build(layer(".run/no-such-file"))))
      assert.include(missing.message, "NotFound")
      const directory = yield* Effect.flip(Effect.scoped(Layer.build(layer(".run"))))
      assert.strictEqual(directory._tag, "SettingsInvalid")
      assert.isAbove(fileBytesMax, 10_000 * 200)
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})
