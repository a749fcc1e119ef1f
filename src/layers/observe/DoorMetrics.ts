/**
 * Metrics of the door: who was turned away, and the state of the keys.
 */
import { Counter, Gauge, type Registry } from "prom-client"
import { keysMax } from "../../domain/ApiKey.ts"
import type { KeyCounts } from "../../services/ApiKeys.ts"

/** Requests turned away since the start, by reason, and those whose answer is still delayed. */
export interface DoorCounts {
  readonly missing: number
  readonly invalid: number
  readonly forbidden: number
  readonly waiting: number
}

/** Makes the series; they are read at each scrape. */
export const observeDoor =
  (registry: Registry) => (counts: () => DoorCounts, keys: () => KeyCounts): void => {
    const registers = [registry]
    const gauge = (name: string, help: string, read: () => number) => {
      const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(read()) })
    }
    const refused: Counter = new Counter({
      name: "auth_refused_total",
      help: "Requests refused for want of a credential, a valid one, or one that allows them",
      labelNames: ["reason"],
      registers,
      collect: () => {
        const { forbidden, invalid, missing } = counts()
        refused.reset()
        refused.inc({ reason: "missing" }, missing)
        refused.inc({ reason: "invalid" }, invalid)
        refused.inc({ reason: "forbidden" }, forbidden)
      }
    })
    const reloads: Counter = new Counter({
      name: "api_keys_reloads_total",
      help: "Times that the keys were changed: taken over, or not usable",
      labelNames: ["result"],
      registers,
      collect: () => {
        const { reloadFailures, reloads: done } = keys()
        reloads.reset()
        reloads.inc({ result: "taken" }, done)
        reloads.inc({ result: "refused" }, reloadFailures)
      }
    })
    gauge(
      "auth_delayed_answers",
      "Answers to invalid credentials that wait",
      () => counts().waiting
    )
    gauge("api_keys", "API keys in force", () => keys().keys)
    gauge("api_keys_max", "API keys there may be", () => keysMax)
    gauge("api_keys_stale", "1 if the last change was not usable", () => Number(keys().stale))
  }
