import * as InThread from "../../../src/layers/executor/InThread.ts"
import { executorContract } from "../../contracts/ExecutorContract.ts"

executorContract("the executor in this thread", InThread.layer)
