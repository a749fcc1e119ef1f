import { assert, describe, it } from "@effect/vitest"
import { Effect, References } from "effect"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import { announce, announced } from "../../../src/layers/bus/Volatile.ts"
import * as MemoryLog from "../../../src/layers/log/MemoryLog.ts"
import { busOptions } from "./Edges.ts"

describe("a volatile message", () => {
  it.effect("reaches every listener though one throws, and never the log (pitfall 18)", () =>
    Effect.gen(function*() {
      const { bus, core } = yield* Bus.make(busOptions)
      const heard: Array<string> = []
      core.volatile.listeners.add(() => {
        throw new Error("a listener's bug")
      })
      core.volatile.listeners.add(({ payload, topic }) => heard.push(`${topic} ${payload}`))
      announce(core, announced.resize, { event: "resize", from: 2, to: 3 })
      assert.deepStrictEqual(heard, [], "a listener ran inside the step that announced")
      yield* Effect.yieldNow
      assert.deepStrictEqual(heard, [
        "message_bus.resize {\"event\":\"resize\",\"from\":2,\"to\":3}"
      ])
      assert.strictEqual(core.volatile.failures, 1)
      assert.strictEqual(bus.snapshot().published, 0)
    }).pipe(
      Effect.scoped,
      Effect.provide(MemoryLog.layer),
      Effect.provideService(References.MinimumLogLevel, "None")
    ))
})
