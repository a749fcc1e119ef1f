/**
 * A real Redis for one contender: of this machine, with data of its own.
 */
import { Effect, Exit, Scope } from "effect"
import { redis } from "../../test/servers/Redis.ts"
import type { Opened } from "../Workload.ts"

/** Opens a contender over a new server, which ends with it. */
export const withRedis = async (open: (url: string) => Promise<Opened>): Promise<Opened> => {
  const scope = Scope.makeUnsafe()
  const { url } = await Effect.runPromise(Scope.provide(redis(), scope))
  const { close, run } = await open(url)
  return {
    run,
    close: async () => {
      await close()
      await Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
}

/** Why there is none here, if so. */
export const missingRedis = (): Promise<string | undefined> =>
  Effect.runPromise(
    Effect.scoped(redis()).pipe(
      Effect.match({ onFailure: ({ reason }) => reason, onSuccess: () => undefined })
    )
  )
