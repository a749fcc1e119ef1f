/**
 * Metrics of agents: how many serve, and how many should and do not.
 */
import { Gauge, type Registry } from "prom-client"
import { agentsMax, type AgentsSnapshot } from "../../services/Agents.ts"

/** Makes the series; they are read from the agents at each scrape. */
export const observeAgents = (registry: Registry) => (snapshot: () => AgentsSnapshot): void => {
  const registers = [registry]
  const agents: Gauge = new Gauge({
    name: "message_bus_agents",
    help: "Agents by what became of them: loading, loaded or failed",
    labelNames: ["state"],
    registers,
    collect: () => {
      const { failed, loaded, loading } = snapshot()
      agents.set({ state: "loading" }, loading.length)
      agents.set({ state: "loaded" }, loaded.length)
      agents.set({ state: "failed" }, failed.length)
    }
  })
  const limit = new Gauge({
    name: "message_bus_agents_limit",
    help: "Agents that a process loads at most",
    registers
  })
  limit.set(agentsMax)
}
