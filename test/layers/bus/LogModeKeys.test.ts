import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Ref } from "effect"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import { ending, settle } from "./Deliveries.ts"
import { draft, named, options } from "./Drafts.ts"
import { blockLog, busOptions } from "./Edges.ts"
import { range } from "./Tailing.ts"

/** More than the share of a shard that one handler may hold alone. */
const large = "x".repeat(450_000)

it.effect("a message whose turn had come goes on from the log when its handler falls behind", () =>
  Effect.gen(function*() {
    const limits = { slotsMax: 100, bytesMax: 1_000_000 }
    const { bus, core } = yield* Bus.make({ ...busOptions, limits })
    const first = yield* Deferred.make<void>()
    const last = yield* Deferred.make<void>()
    const blocked = yield* Deferred.make<void>()
    const seen = yield* Ref.make<ReadonlyArray<unknown>>([])
    const ordered = options("t", { ordering: "topic" })
    yield* bus.handle(named("slow"), ordered, ({ payload }) =>
      Effect.andThen(
        payload === 0 ? Deferred.await(first) : Effect.void,
        Ref.update(seen, (all) => [...all, payload])
      ))
    yield* bus.handle(
      named("fast"),
      options("t", { ordering: "none" }),
      ({ payload }) => payload === large ? Deferred.await(last) : Effect.void
    )
    yield* bus.handle(named("blocker"), options("b.*"), () => Deferred.await(blocked))
    const shard = core.shardOf("t", undefined)
    const topic = range(99).map((n) =>
      `b.${n}`
    ).find((name) => core.shardOf(name, undefined) === shard) ??
      assert.fail("no topic in that shard")
    const block = (priority: number) => bus.publish(draft(topic, 0, { priority }))
    yield* settle
    yield* bus.publish(draft("t", 0))
    yield* settle
    yield* Effect.all([block(0), block(0)])
    yield* settle
    yield* bus.publishMany(range(9, 1).map((n) => draft("t", n)))
    yield* settle
    yield* bus.publish(draft("t", large))
    yield* settle
    yield* Effect.all([block(9), block(9)]) // No worker is free: they go before all else.
    yield* settle
    yield* Deferred.succeed(first, undefined)
    yield* settle
    assert.deepStrictEqual(yield* Ref.get(seen), [0])
    const of = (name: string) => bus.snapshot().subscriptions.find((one) => one.name === name)
    assert.strictEqual(of("slow")?.spills, 0)
    yield* Deferred.succeed(last, undefined)
    yield* settle
    assert.strictEqual(of("slow")?.spills, 1)
    yield* Deferred.succeed(blocked, undefined)
    yield* settle
    assert.deepStrictEqual(yield* Ref.get(seen), [...range(10), large])
  }).pipe(ending, Effect.scoped, Effect.provide(blockLog())))
