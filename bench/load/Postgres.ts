/**
 * A real PostgreSQL for one contender: of this machine, with its own data, synced as it comes.
 */
import { Effect, Exit, Scope } from "effect"
import { postgres } from "../../test/servers/Postgres.ts"
import type { Opened } from "../Workload.ts"

/** Opens a contender over a new server, which ends with it. */
export const withPostgres = async (open: (url: string) => Promise<Opened>): Promise<Opened> => {
  const scope = Scope.makeUnsafe()
  const { url } = await Effect.runPromise(Scope.provide(postgres(), scope))
  const { close, run } = await open(url())
  return {
    run,
    close: async () => {
      await close()
      await Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
}

/** Why there is none here, if so. */
export const missingPostgres = (): Promise<string | undefined> =>
  Effect.runPromise(
    Effect.scoped(postgres()).pipe(
      Effect.match({ onFailure: ({ reason }) => reason, onSuccess: () => undefined })
    )
  )
