/** A bus over a log whose process can be closed or killed, for tests of its edges. */
import { assert } from "@effect/vitest"
import { Duration, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Bus from "../../../src/layers/bus/Bus.ts"
import * as BlockLog from "../../../src/layers/log/BlockLog.ts"
import { SimulatedDisk } from "../../simulation/SimulatedStore.ts"

/** A durable log on a simulated disk. */
export const blockLog = (disk = new SimulatedDisk()) =>
  BlockLog.layer(Duration.hours(1)).pipe(Layer.provide(disk.layer))

/** A small bus that ends at once. */
export const busOptions: Bus.BusOptions = {
  ...Bus.optionsDefault,
  shardCount: 2,
  workersPerShard: 4,
  drainMs: 0
}

/** The payloads of what was handed out, in order. */
export const payloads = (
  deliveries: ReadonlyArray<{ readonly message: { readonly payload: string } }>
) => deliveries.map(({ message }) => message.payload)

/** Runs a bus on a disk until it is closed, or its process killed. */
export const life = <A, E>(
  disk: SimulatedDisk,
  end: "closed" | "killed",
  use: (made: Effect.Success<ReturnType<typeof Bus.make>>) => Effect.Effect<A, E, Scope.Scope>,
  more: Partial<Bus.BusOptions> = {}
) =>
  Effect.gen(function*() {
    const logScope = yield* Scope.make()
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(Layer.fresh(blockLog(disk)), logScope)
    const made = yield* Bus.make({ ...busOptions, drainMs: 100, ...more }).pipe(
      Effect.provide(context),
      Effect.provideService(Scope.Scope, scope)
    )
    const handlers = yield* Scope.make()
    const result = yield* Scope.provide(use(made), handlers)
    if (end === "killed") yield* disk.crash("Killed")
    const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
    yield* TestClock.adjust("10 seconds")
    assert.isDefined(closing.pollUnsafe())
    yield* Scope.close(logScope, Exit.void)
    yield* Scope.close(handlers, Exit.void)
    return result
  })
