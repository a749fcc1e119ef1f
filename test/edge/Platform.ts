/**
 * The platform that the tests of the edge run on: each suite runs under Node and under Deno.
 */
import { it } from "@effect/vitest"
import { runtime } from "../../src/layers/drivers/runtime/Runtime.ts"

/** Whether Deno runs this process. */
export const onDeno = runtime.name === "deno"

/** A test of what `Deno.serve` does not let the edge do: README, "On Deno". */
export const nodeOnly = it.live.skipIf(onDeno)
