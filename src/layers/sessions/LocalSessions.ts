/**
 * Sessions in the memory of this process: they end with it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { nextVersion, type Session } from "../../domain/Session.ts"
import { SessionConflict, SessionLimit, Sessions, sessionsMax } from "../../services/Sessions.ts"
import { issueOf } from "./Checking.ts"

/** No session at first; `max` is for tests. */
export const layer = (max = sessionsMax): Layer.Layer<Sessions> =>
  Layer.effect(
    Sessions,
    Effect.map(Clock.Clock, (clock) => {
      const kept = new Map<string, Session>()
      const state = { version: 0 }
      const now = () => clock.currentTimeMillisUnsafe()
      const live = (name: string): Session | undefined => {
        const session = kept.get(name)
        if (session === undefined || session.expiresAt > now()) return session
        kept.delete(name)
        return undefined
      }
      /** All are looked at only when there is no room, so each is at most once in a while. */
      const hasRoom = (): boolean => {
        if (kept.size < max) return true
        for (const name of [...kept.keys()]) live(name)
        return kept.size < max
      }
      const conflict = (name: string, wanted: number | undefined) => {
        const version = live(name)?.version ?? 0
        return wanted === undefined || wanted === version
          ? undefined
          : new SessionConflict({ name, version })
      }
      return Sessions.of({
        scope: "process",
        read: (name) => Effect.sync(() => Option.fromUndefinedOr(live(name))),
        write: (write) =>
          Effect.suspend((): ReturnType<Sessions["Service"]["write"]> => {
            const { name, ttlMs, value, version } = write
            const issue = issueOf(write) ?? conflict(name, version)
            if (issue !== undefined) return Effect.fail(issue)
            if (!kept.has(name) && !hasRoom()) return Effect.fail(new SessionLimit({ limit: max }))
            state.version = nextVersion(state.version, now())
            const session = { value, version: state.version, expiresAt: now() + ttlMs }
            kept.set(name, session)
            return Effect.succeed(session)
          }),
        remove: (name, version) =>
          Effect.suspend(() => {
            const issue = conflict(name, version)
            if (issue !== undefined) return Effect.fail(issue)
            return Effect.succeed(live(name) !== undefined && kept.delete(name))
          })
      })
    })
  )
