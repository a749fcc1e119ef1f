import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type Address, parse } from "../../../../src/layers/drivers/redis/Address.ts"

const none = {
  mode: "single",
  isTls: false,
  username: undefined,
  password: undefined,
  primary: undefined,
  database: 0
} as const

describe("the address of a Redis", () => {
  it.each<[string, Address]>([
    ["redis://host", { ...none, nodes: [{ host: "host", port: 6379 }] }],
    ["rediss://[::1]:6380/3", {
      ...none,
      isTls: true,
      nodes: [{ host: "::1", port: 6380 }],
      database: 3
    }],
    ["redis://:p%40ss@host", {
      ...none,
      nodes: [{ host: "host", port: 6379 }],
      password: "p@ss"
    }],
    ["redis+cluster://me:secret@a:1,b:2", {
      ...none,
      mode: "cluster",
      nodes: [{ host: "a", port: 1 }, { host: "b", port: 2 }],
      username: "me",
      password: "secret"
    }],
    ["rediss+sentinel://a,b:2/main/1", {
      ...none,
      mode: "sentinel",
      isTls: true,
      nodes: [{ host: "a", port: 26_379 }, { host: "b", port: 2 }],
      primary: "main",
      database: 1
    }]
  ])("%s", (text, expected) => {
    assert.deepStrictEqual(parse(text), Result.succeed(expected))
  })

  it.each([
    ["http://host", "expected an address like"],
    ["redis://", "expected an address like"],
    ["redis://a,b", "several are redis+cluster:// or redis+sentinel://"],
    ["redis://a:99999", "expected host:port"],
    ["redis://a b", "expected host:port"],
    ["redis://a/x", "expected the number of a database"],
    ["redis+cluster://a/1", "a cluster has only 0"],
    ["redis+sentinel://a", "what the sentinels call the primary"],
    ["redis://:%zz@a", "expected %25 for a %"]
  ])("%s is refused: %s", (text, reason) => {
    const found = parse(text)
    assert.include(Result.isFailure(found) ? found.failure : "", reason)
  })
})
