/**
 * Requesters of a simulated bus, and hooks that see what is published.
 */
import { Effect, Scope } from "effect"
import type { Draft } from "../../src/domain/Message.ts"
import { hash32 } from "../../src/domain/Position.ts"
import { call } from "./Calls.ts"
import type { Run } from "./Run.ts"

/** What a handler replies to a message. */
export const replyTo = (payload: string): string => `re: ${payload}`

/** Publishes and waits for the reply, which must be that to this very message. */
export const request = (run: Run, draft: Draft, timeoutMs: number): void => {
  const { now } = run.world
  call(run, "request", run.node.bus.requests.request(draft, timeoutMs), ({ payload }) => {
    run.saw("request answered", payload)
    if (payload !== JSON.stringify(replyTo(draft.payload))) {
      run.breach(0, `the request ${draft.payload} was answered with ${payload}`)
    }
    if (run.world.now > now + timeoutMs) run.breach(12, `${draft.payload} was answered too late`)
  })
}

/** Registers hooks: one refuses some drafts in several ways, one sees what was accepted. */
export const registerHooks = (run: Run, scope: Scope.Scope): Effect.Effect<void, unknown> => {
  const { bus: { hooks }, core } = run.node
  const shown = new Set<string>()
  const before = hooks.before("refusing", (draft) => {
    const way = hash32(`${run.seed} hook ${draft.payload}`) % 20
    if (!run.faulty || way > 3) return draft
    run.saw(`hook ${way}`, draft.payload)
    if (way === 0) throw new Error("thrown")
    if (way === 1) return Effect.fail("failed")
    return Effect.as(Effect.sleep(way), { ...draft, contentType: "text/hooked" })
  })
  const after = hooks.after("seeing", ({ id, payload }) => {
    if (run.node.core !== core) return
    if (shown.has(id)) run.breach(1, `a hook sees ${payload} twice`)
    shown.add(id)
    run.saw("hook after", payload)
    if (!run.log.stored.has(id) && !run.log.delayed.has(id)) {
      run.breach(9, `a hook sees ${payload}, which is not stored`)
    }
    if (hash32(payload) % 7 === 0) throw new Error("thrown after")
  })
  return Scope.provide(Effect.andThen(before, after), scope)
}
