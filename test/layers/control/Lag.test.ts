import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Lag from "../../../src/layers/control/Lag.ts"

it.live("lag is how long something held up the event loop, since it was asked last", () =>
  Effect.gen(function*() {
    const lag = yield* Lag.make
    yield* Effect.sleep("50 millis")
    const until = performance.now() + 800
    while (performance.now() < until); // Nothing else runs meanwhile.
    yield* Effect.sleep("300 millis")
    assert.isAbove(lag(), 400)
    assert.isBelow(lag(), 400)
  }).pipe(Effect.scoped))
