import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { PodCounts } from "../../../src/layers/observe/PodCounts.ts"
import { Peers } from "../../../src/layers/ownership/Peers.ts"
import { toBytes } from "../../../src/layers/ownership/Wire.ts"
import { Ownership } from "../../../src/services/Ownership.ts"

/** A pod with partition 0; `said` is what the owner of any other partition replies. */
const peersWith = (said: () => { readonly pod: string; readonly owned: ReadonlyArray<number> }) =>
  new Peers(
    Ownership.of({
      pod: "own",
      join: () => Effect.void,
      leave: Effect.void,
      ask: () => Effect.sync(() => toBytes(said()))
    }),
    new PodCounts(),
    (partition) => partition === 0
  )

describe("peers", () => {
  it.effect("tell whoever waits for a change what has changed", () =>
    Effect.gen(function*() {
      const peers = peersWith(() => ({ pod: "b", owned: [1, 2] }))
      const waiting = yield* Effect.forkChild(
        Effect.map(peers.changed(), () => [...peers.pods]),
        { startImmediately: true }
      )
      yield* peers.ask(1, { kind: "hello" })
      assert.deepStrictEqual(yield* Fiber.join(waiting), [["b", 1]])
    }))

  it.effect("believe the last reply, and of themselves nothing that others say", () =>
    Effect.gen(function*() {
      const state = { said: { pod: "b", owned: [1, 2] } }
      const peers = peersWith(() => state.said)
      yield* peers.ask(1, { kind: "hello" })
      assert.strictEqual(peers.ownerOf(2), "b")
      state.said = { pod: "c", owned: [2] }
      yield* peers.ask(2, { kind: "hello" })
      assert.deepStrictEqual([...peers.pods], [["b", 1], ["c", 2]])
      state.said = { pod: "own", owned: [0, 1] }
      yield* peers.ask(1, { kind: "hello" })
      assert.deepStrictEqual([...peers.pods], [["b", 1], ["c", 2]])
      state.said = { pod: "c", owned: [] }
      yield* peers.ask(2, { kind: "hello" })
      assert.isFalse(peers.isComplete)
      assert.deepStrictEqual([...peers.pods], [["b", 1]])
    }))
})
