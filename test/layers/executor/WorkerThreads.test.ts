import * as WorkerThreads from "../../../src/layers/executor/WorkerThreads.ts"
import { executorContract } from "../../contracts/ExecutorContract.ts"

executorContract("the executor in threads", WorkerThreads.layer({ threads: 2 }))
