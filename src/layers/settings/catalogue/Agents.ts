/**
 * The settings of agents: modules that export handlers and are loaded at start.
 */
import type { AgentSettings } from "../../../services/Settings.ts"
import { asking, limit, path, toggle } from "../Kind.ts"
import type { Reader } from "../Reader.ts"

const agentLoading = "agents"

/** How agents are loaded and run. */
export const agents = ({ read }: Reader): AgentSettings => ({
  dir: read({
    name: "AGENTS_DIR",
    kind: asking(path("a directory of agents")),
    default: undefined,
    meaning: "Modules that export handlers, loaded at start.",
    later: agentLoading
  }),
  executorThreads: read({
    name: "EXECUTOR_THREADS",
    kind: limit(64),
    default: 0,
    meaning: "Threads that run handlers; 0 runs them in the main thread.",
    later: "worker threads"
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
