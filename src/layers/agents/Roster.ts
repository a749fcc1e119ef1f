/**
 * The roster: every agent of the directory and what became of it. Mutable on purpose: agents come,
 * go and change while probes look.
 */
import type * as Scope from "effect/Scope"
import type { AgentsSnapshot } from "../../services/Agents.ts"
import type { LoadedHandler } from "../../services/Executor.ts"
import type { AgentFile } from "./Discovery.ts"

/** A loaded module: its handlers can run until `loading` closes. */
export interface Opened {
  readonly file: AgentFile
  readonly handlers: ReadonlyArray<LoadedHandler>
  readonly loading: Scope.Closeable
}

/** A module whose handlers are attached to the bus until `attached` closes. */
export interface Serving extends Opened {
  readonly attached: Scope.Closeable
}

/** Every agent is loading, serving or failed. */
export class Roster {
  private state: AgentsSnapshot["state"] = "Starting"
  private readonly loading = new Set<string>()
  private readonly serving = new Map<string, Serving>()
  private readonly failed = new Map<string, string>()

  /** The start-up knows these. */
  expect(files: ReadonlyArray<string>): void {
    files.forEach((file) => this.loading.add(file))
  }

  /** The start-up is over. */
  finish(): void {
    this.loading.clear()
    this.state = "Started"
  }

  serves(serving: Serving): void {
    this.forget(serving.file.file)
    this.serving.set(serving.file.file, serving)
  }

  /** Returns whether that is news. */
  fails(file: string, reason: string): boolean {
    const known = this.failed.get(file)
    this.forget(file)
    this.failed.set(file, reason)
    return known !== reason
  }

  /** It is not there any more. */
  forget(file: string): void {
    this.loading.delete(file)
    this.serving.delete(file)
    this.failed.delete(file)
  }

  /** What serves under that name. */
  of(file: string): Serving | undefined {
    return this.serving.get(file)
  }

  /** Why it does not serve. */
  reasonOf(file: string): string | undefined {
    return this.failed.get(file)
  }

  /** The file whose handler has the subscription. */
  holderOf(subscription: string): Serving | undefined {
    return Array.from(this.serving.values()).find(({ handlers }) =>
      handlers.some((handler) => handler.subscription === subscription)
    )
  }

  get files(): ReadonlyArray<string> {
    return [...this.serving.keys(), ...this.failed.keys()]
  }

  snapshot(): AgentsSnapshot {
    return {
      state: this.state,
      loading: Array.from(this.loading).toSorted(),
      loaded: Array.from(this.serving.values(), ({ file, handlers }) => ({
        agent: file.file,
        subscriptions: handlers.map(({ subscription }) => subscription)
      })).toSorted(byAgent),
      failed: Array.from(this.failed, ([agent, reason]) => ({ agent, reason })).toSorted(byAgent)
    }
  }
}

const byAgent = (a: { readonly agent: string }, b: { readonly agent: string }): number =>
  a.agent < b.agent ? -1 : 1
