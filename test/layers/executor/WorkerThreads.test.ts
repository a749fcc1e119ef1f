import { Effect, Layer } from "effect"
import * as WorkerThreads from "../../../src/layers/executor/WorkerThreads.ts"
import { Executor } from "../../../src/services/Executor.ts"
import { agent, lazy } from "../../contracts/ExecutorAgents.ts"
import { executorContract } from "../../contracts/ExecutorContract.ts"

/** An agent that stays: the threads would end with the last one, and start again for each test. */
const staying = Layer.effectDiscard(
  Effect.flatMap(Executor, ({ load }) => load(agent("rough"), lazy))
)

executorContract(
  "the executor in threads",
  Layer.provideMerge(staying, WorkerThreads.layer({ threads: 2 })).pipe(Layer.orDie)
)
