/**
 * The settings of agents: modules that export handlers and are loaded at start.
 */
import type { AgentSettings } from "../../../services/Settings.ts"
import { integer, path, toggle } from "../Kind.ts"
import type { Machine } from "../Machine.ts"
import type { Reader } from "../Reader.ts"

/** Most executor threads: more than any machine of a pod has cores. */
const threadsMax = 64

/** How agents are loaded and run. */
export const agents = ({ read }: Reader, { cores }: Machine): AgentSettings => ({
  dir: read({
    name: "AGENTS_DIR",
    kind: path("a directory of agents"),
    default: undefined,
    meaning: "Directory of modules that export handlers, loaded at start; not set, there are none."
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
    default: true,
    meaning: "Load agents at the same time; 0 loads one after another, by name."
  }),
  modelsLazy: read({
    name: "LAZY_LOAD_ML",
    kind: toggle,
    default: true,
    meaning: "Make what agents declare as heavy at its first message; 0 makes it at start."
  }),
  checkSkipped: read({
    name: "SKIP_IMPORT_VALIDATION",
    kind: toggle,
    default: false,
    meaning: "Do not run the `check` that agents export."
  }),
  watched: read({
    name: "AGENTS_WATCH",
    kind: toggle,
    default: false,
    meaning: "Load agents again when their files change; for development."
  })
})
