/**
 * The settings of agents: modules that export handlers and are loaded at start.
 */
import type { AgentSettings } from "../../../services/Settings.ts"
import { asking, integer, path, toggle } from "../Kind.ts"
import type { Machine } from "../Machine.ts"
import type { Reader } from "../Reader.ts"

const agentLoading = "agents"

/** Most executor threads: more than any machine of a pod has cores. */
const threadsMax = 64

/** How agents are loaded and run. */
export const agents = ({ read }: Reader, { cores }: Machine): AgentSettings => ({
  dir: read({
    name: "AGENTS_DIR",
    kind: asking(path("a directory of agents")),
    default: undefined,
    meaning: "Modules that export handlers, loaded at start.",
    later: agentLoading
  }),
  executorThreads: read({
    name: "EXECUTOR_THREADS",
    kind: integer(0, threadsMax),
    // One core is the main thread's, so that neither waits for the other.
    default: Math.min(Math.max(1, cores - 1), threadsMax),
    meaning: "Threads that run the handlers of agents, one less than cores unless set; 0 runs " +
      "them in the main thread."
  }),
  parallelLoading: read({
    name: "PARALLEL_AGENT_LOADING",
    kind: toggle,
    default: false,
    meaning: "Load agents at the same time. 1 by default once this version has it.",
    later: agentLoading
  }),
  modelsLazy: read({
    name: "LAZY_LOAD_ML",
    kind: toggle,
    default: false,
    meaning: "Load the models of agents when first used. 1 by default once this version has it.",
    later: agentLoading
  })
})
